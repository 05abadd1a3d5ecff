//! Makes a buffer of its own, whose address and length are what it says, and a way to attach it.
use wdm_irp::buffer::IoBuffer;
use wdm_irp::irql::UpToDispatch;
use wdm_irp::request::{Fields, Read, Transfer};
use wdm_irp::IrpError;

struct Everything;

impl IoBuffer for Everything {
    fn as_mut_ptr(&mut self) -> *mut u8 {
        std::ptr::null_mut()
    }
    fn byte_len(&self) -> usize {
        usize::MAX
    }
}

impl Transfer<Everything> for Read {
    type Irql = UpToDispatch;
    unsafe fn enter(&self, _: &Fields, _: &mut Everything) -> Result<(), IrpError> {
        Ok(())
    }
}

fn main() {}
