//! Parses the arguments of the attribute.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Path, Token};

use crate::errors::Errors;
use crate::tokens::split_at_commas;

/// Holds what stands in the parentheses of `#[completion_routine(…)]`.
#[derive(Default)]
pub(crate) struct Args {
    raw: Option<Ident>,
    krate: Option<Path>,
    bindings: Option<Path>,
}

impl Args {
    /// Parses what can be parsed, and reports the rest.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        for argument in split_at_commas(tokens) {
            let parser = |input: ParseStream<'_>| args.parse_argument(input, errors);
            if let Err(error) = parser.parse2(argument) {
                errors.push_error(error);
            }
        }
        if let (Some(bindings), None) = (&args.bindings, &args.raw) {
            errors.push(
                bindings,
                "`bindings` belongs to `#[completion_routine(raw, bindings = …)]`: a typed routine \
                 names no type of the bindings, so remove the argument or add `raw`",
            );
        }
        args
    }

    /// Parses one argument, and reports what is wrong with it.
    fn parse_argument(&mut self, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
        if !input.peek(Ident::peek_any) {
            let rest: TokenStream = input.parse()?;
            errors.push(rest, UNKNOWN);
            return Ok(());
        }
        let name = Ident::parse_any(input)?;
        let duplicate = match name.to_string().as_str() {
            "raw" if input.is_empty() => self.raw.replace(name.clone()).is_some(),
            "raw" => {
                let rest: TokenStream = input.parse()?;
                errors.push(
                    rest,
                    "the argument `raw` takes no value: write `#[completion_routine(raw)]`",
                );
                self.raw = Some(name);
                return Ok(());
            }
            "crate" => match parse_path(&name, input, errors)? {
                Some(path) => self.krate.replace(path).is_some(),
                None => return Ok(()),
            },
            "bindings" => match parse_path(&name, input, errors)? {
                Some(path) => self.bindings.replace(path).is_some(),
                None => return Ok(()),
            },
            _ => {
                let _: TokenStream = input.parse()?;
                errors.push(name, UNKNOWN);
                return Ok(());
            }
        };
        if duplicate {
            errors.push(
                &name,
                format_args!("the argument `{name}` is given twice: keep one of them"),
            );
        }
        Ok(())
    }

    /// Returns whether the function is a hand-written `IO_COMPLETION_ROUTINE`.
    pub(crate) fn is_raw(&self) -> bool {
        self.raw.is_some()
    }

    /// Returns the path of `wdm-irp`, which is `::wdm_irp` unless given.
    pub(crate) fn krate(&self) -> TokenStream {
        self.krate
            .as_ref()
            .map_or_else(|| quote!(::wdm_irp), |path| quote!(#path))
    }

    /// Returns the module with `PDEVICE_OBJECT` and its companions, if `bindings` names one.
    pub(crate) fn bindings(&self) -> Option<&Path> {
        self.bindings.as_ref()
    }
}

/// Tells which arguments there are.
const UNKNOWN: &str = "`#[completion_routine]` knows the arguments `raw`, `bindings = path` and \
                       `crate = path`: remove or correct this one";

/// Parses `= path`, or reports why that fails and returns `None`.
fn parse_path(
    name: &Ident,
    input: ParseStream<'_>,
    errors: &mut Errors,
) -> syn::Result<Option<Path>> {
    let value: TokenStream = if input.peek(Token![=]) {
        let _: Token![=] = input.parse()?;
        input.parse()?
    } else {
        let _: TokenStream = input.parse()?;
        TokenStream::new()
    };
    let path = Path::parse_mod_style.parse2(value.clone()).ok();
    if path.is_none() {
        let message = format!(
            "the argument `{name}` needs a path, without quotes: write `{name} = some::path`"
        );
        if value.is_empty() {
            errors.push(name, message);
        } else {
            errors.push(value, message);
        }
    }
    Ok(path)
}
