//! Asks the compiler for the context type of a typed routine's parameter.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::Type;

use super::lifetimes::{borrow, static_lifetime};
use super::place::Place;
use super::signature::parameter_type;
use crate::item::Routine;

/// Asks the compiler for the parameter's context type.
///
/// The expansion asks wherever it depends on the answer. Each time the question has the span of the
/// parameter's type, because the compiler reports an error once for each span.
pub(super) struct Question {
    /// The type of the parameter.
    pub(super) place: Place,
    /// `fn(Parameter)`, where lifetimes are elided or named like those of the function.
    function: TokenStream,
    /// `krate::__macro::RoutineParameter`
    asked: TokenStream,
}

impl Question {
    /// Returns the question, or `None` if there is no parameter to ask about.
    ///
    /// It is `None` also for a parameter that is reported as a defect.
    pub(super) fn new(krate: &TokenStream, routine: &Routine) -> Option<Self> {
        let sig = &routine.sig;
        let param = parameter_type(sig)?;
        // Among several parameters, only a path can be meant as `Completing`.
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

    /// Returns `<fn(Parameter) as RoutineParameter>::member`.
    pub(super) fn about(&self, member: &TokenStream) -> TokenStream {
        let (function, asked) = (&self.function, &self.asked);
        let before = self.place.start(quote!(<));
        let after = self.place.end(quote!(as #asked>::#member));
        quote!(#before #function #after)
    }
}
