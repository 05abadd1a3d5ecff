//! Typed routines where every name that an expansion might use means something else.
#![forbid(unsafe_code)]
#![deny(warnings)]
#![allow(dead_code, non_camel_case_types, non_snake_case)]

mod shadowed {
    use ::wdm_irp as lib;
    use lib::completion_routine as routine;

    struct Completing;
    struct CompletionRoutine;
    struct Formatter;
    struct Option;
    struct RoutineParameter;
    struct Signaled;
    struct Str;
    struct identity;
    struct i32;
    struct str;
    trait Clone {}
    trait Copy {}
    trait Debug {}
    trait Send {}
    mod core {}
    mod std {}
    mod wdm_irp {}

    #[routine]
    pub(super) fn done(irp: lib::Completing<'_, u8>) -> lib::Signaled<'_> {
        irp.signal_if_pended()
    }

    pub(super) mod below {
        // All of the above, and a routine of the same name.
        use super::*;

        #[routine]
        pub(in super::super) fn done(irp: lib::Completing<'_, u16>) -> lib::Signaled<'_> {
            let _ = super::done;
            irp.signal_if_pended()
        }
    }
}

mod named_like_the_expansion {
    use wdm_irp::{Completing, Signaled, completion_routine};

    #[completion_routine]
    pub(super) fn complete(done: Completing<'_, ()>) -> Signaled<'_> {
        done.signal_if_pended()
    }

    #[completion_routine]
    pub(super) fn Context(done: Completing<'_, ()>) -> Signaled<'_> {
        done.signal_if_pended()
    }

    #[completion_routine]
    pub(super) fn clone(done: Completing<'_, ()>) -> Signaled<'_> {
        done.signal_if_pended()
    }

    // The inner name of the one is the name of the other.
    #[completion_routine]
    pub(super) fn read(done: Completing<'_, ()>) -> Signaled<'_> {
        done.signal_if_pended()
    }

    #[completion_routine]
    pub(super) fn __read(done: Completing<'_, ()>) -> Signaled<'_> {
        let _ = read;
        done.signal_if_pended()
    }
}

mod made_by_macros {
    use wdm_irp::{Completing, Signaled, completion_routine};

    macro_rules! of_item {
        ($item:item) => {
            #[completion_routine]
            $item
        };
    }

    macro_rules! of_tokens {
        ($(#[$attribute:meta])* $vis:vis fn $name:ident($irp:ident: $ty:ty) -> $output:ty { $($body:tt)* }) => {
            $(#[$attribute])*
            #[completion_routine]
            $vis fn $name($irp: $ty) -> $output { $($body)* }
        };
    }

    macro_rules! of_fragments {
        ($name:ident, $irp:pat, $ty:ty, $irp_lifetime:lifetime, $result:expr) => {
            #[completion_routine]
            fn $name<$irp_lifetime>($irp: Completing<$irp_lifetime, $ty>) -> Signaled<$irp_lifetime> {
                $result
            }
        };
    }

    macro_rules! of_block {
        ($name:ident, $irp:ident, $body:block) => {
            #[completion_routine]
            pub(super) fn $name($irp: Completing<'_, u8>) -> Signaled<'_> $body
        };
    }

    macro_rules! parameter {
        () => { Completing<'_, [u8; 2]> };
    }

    of_item! {
        /// An item.
        pub(super) fn by_item(irp: Completing<'_, u8>) -> Signaled<'_> {
            irp.signal_if_pended()
        }
    }

    of_tokens! {
        /// Tokens.
        #[inline]
        pub(super) fn by_tokens(irp: Completing<'_, u8>) -> Signaled<'_> {
            irp.signal_if_pended()
        }
    }

    of_fragments!(by_fragments, mut irp, u8, 'a, {
        *irp.context_mut() += 1;
        irp.signal_if_pended()
    });

    of_block!(by_block, irp, { irp.signal_if_pended() });

    #[completion_routine]
    pub(super) fn by_type_macro(irp: parameter!()) -> Signaled<'_> {
        irp.signal_if_pended()
    }

    pub(super) fn all() {
        super::accepts((by_item, by_tokens, by_fragments), (by_block, by_type_macro));
    }
}

trait Start {
    fn start();
}

impl Start for u8 {
    fn start() {
        #[wdm_irp::completion_routine]
        fn within_a_method_of_a_trait(irp: wdm_irp::Completing<'_, u8>) -> wdm_irp::Signaled<'_> {
            fn helper(irp: wdm_irp::Completing<'_, u8>) -> wdm_irp::Signaled<'_> {
                irp.signal_if_pended()
            }
            helper(irp)
        }

        accepts(within_a_method_of_a_trait, 0);
    }
}

fn accepts<T, U>(_: T, _: U) {}

fn main() {
    use named_like_the_expansion::{__read, Context, clone, complete, read};

    accepts(shadowed::done, shadowed::below::done);
    accepts((complete, Context, clone), (read, __read));
    made_by_macros::all();
    u8::start();
}
