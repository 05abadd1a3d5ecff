//! Names a module of its own as the library, whose token anybody can make.
use wdm_irp::completion_routine;

mod forged {
    pub use wdm_irp::{Completing, routine};

    pub struct Signaled<'irp>(pub std::marker::PhantomData<&'irp ()>);

    pub mod __macro {
        pub use wdm_irp::__macro::RoutineParameter;

        pub trait RoutineReturn<'irp> {
            fn signaled(self) -> super::Signaled<'irp>;
        }
        impl<'irp> RoutineReturn<'irp> for super::Signaled<'irp> {
            fn signaled(self) -> Self {
                self
            }
        }
    }
}

#[completion_routine(crate = forged)]
fn read_done(_irp: forged::Completing<'_, ()>) -> forged::Signaled<'_> {
    forged::Signaled(std::marker::PhantomData)
}

fn main() {}
