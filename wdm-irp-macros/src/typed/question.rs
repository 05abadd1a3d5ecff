//! Which context type the parameter of a typed routine has, asked of the type system.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::Type;

use super::lifetimes::{borrow, static_lifetime};
use super::place::Place;
use super::signature::parameter_type;
use crate::item::Routine;

/// The question to the type system which context type the parameter has.
///
/// The compiler asks it wherever the expansion depends on the answer. Each of these places is given the span of the
/// parameter's type, because it reports an error once for each place.
pub(super) struct Question {
    pub(super) place: Place,
    /// `fn(Parameter)`: lifetimes in it are elided or named like those of the function.
    function: TokenStream,
    /// `krate::__macro::RoutineParameter`
    asked: TokenStream,
}

impl Question {
    /// `None` if there is no parameter to ask about.
    pub(super) fn new(krate: &TokenStream, routine: &Routine) -> Option<Self> {
        let sig = &routine.sig;
        let param = parameter_type(sig)?;
        // With a wrong number of parameters anything but a path is no attempt at `Completing`.
        if routine.is_generic(param)
            || sig.generics.lifetimes().count() > 1
            || (sig.inputs.len() != 1 && !matches!(param, Type::Path(_)))
            || static_lifetime(param).is_some()
            || borrow(param, sig).is_some()
        {
            return None;
        }
        let lifetimes = sig.generics.lifetimes().map(|param| &param.lifetime);
        let binder = (!sig.generics.params.is_empty()).then(|| quote!(for<#(#lifetimes),*>));
        let place = Place::of(&param.to_token_stream());
        let function = place.cover(quote!(#binder fn(#param)));
        Some(Self {
            place,
            function,
            asked: quote!(#krate::__macro::RoutineParameter),
        })
    }

    /// `<fn(Parameter) as RoutineParameter>::member`
    pub(super) fn about(&self, member: &TokenStream) -> TokenStream {
        let (function, asked) = (&self.function, &self.asked);
        let before = self.place.start(quote!(<));
        let after = self.place.end(quote!(as #asked>::#member));
        quote!(#before #function #after)
    }
}
