//! Turns the tokens of the attribute and of its item into those that replace them.

use proc_macro2::TokenStream;
use quote::quote;

use crate::args::Args;
use crate::errors::Errors;
use crate::item::Routine;
use crate::{raw, typed};

/// Expands `#[completion_routine(args)] item`.
///
/// Any input gives an expansion. The expansion of faulty input reports every defect, and still
/// declares the name.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(args, &mut errors);

    let routine: Routine = match syn::parse2(item.clone()) {
        Ok(routine) => routine,
        Err(error) => {
            errors.push_error(error);
            let mut expansion = errors.into_tokens();
            expansion.extend(item);
            return expansion;
        }
    };

    if !errors.is_empty() {
        // The arguments do not say for certain which form was meant, so defects of the function in
        // the form that they seem to say are not reported.
        let mut unsure = Errors::default();
        let expansion = expand_routine(&args, &routine, &mut unsure);
        let expansion = if unsure.is_empty() {
            expansion
        } else {
            quote!(#routine)
        };
        let errors = errors.into_tokens();
        return quote!(#errors #expansion);
    }

    let expansion = expand_routine(&args, &routine, &mut errors);
    let errors = errors.into_tokens();
    quote!(#errors #expansion)
}

/// Expands `routine` in the form that `args` ask for.
fn expand_routine(args: &Args, routine: &Routine, errors: &mut Errors) -> TokenStream {
    if args.is_raw() {
        raw::expand(args, routine, errors)
    } else {
        typed::expand(args, routine, errors)
    }
}
