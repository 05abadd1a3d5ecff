//! Collects defects, so that all of them are reported at once.

use core::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// Holds the defects found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    /// Records a defect of `tokens`.
    pub(crate) fn push(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push_error(Error::new_spanned(tokens, message));
    }

    /// Records an error that already has a span.
    pub(crate) fn push_error(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Records the defects in `other`.
    pub(crate) fn push_all(&mut self, other: Self) {
        if let Some(error) = other.0 {
            self.push_error(error);
        }
    }

    /// Returns whether there is no defect.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns one `compile_error!` for each defect.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.map(Error::into_compile_error).unwrap_or_default()
    }
}
