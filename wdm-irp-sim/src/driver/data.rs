//! The bytes of a request.

use wdm_irp::sys::{DO_BUFFERED_IO, DO_DIRECT_IO};

use crate::driver::lower_irp::LowerIrp;
use crate::driver::received::{Parameters, Received};
use crate::io::major;
use crate::io::mdl::MdlAccess;
use crate::kernel::this_thread;
use crate::report::kind::ViolationKind;

/// The bytes of a request: where they begin, and how many there are.
#[derive(Clone, Copy)]
struct Span {
    start: *mut u8,
    length: usize,
}

impl Span {
    const NONE: Self = Self {
        start: std::ptr::null_mut(),
        length: 0,
    };
}

impl LowerIrp {
    /// Returns how many bytes the driver may put into the output of a read or device control.
    #[must_use]
    pub fn output_length(&self) -> usize {
        match (self.major(), self.parameters()) {
            (major::READ, Parameters::Transfer { length, .. }) => length as usize,
            (_, Parameters::Control { output_length, .. }) => output_length as usize,
            _ => 0,
        }
    }

    /// Returns how many bytes the driver gets with a write or device control.
    #[must_use]
    pub fn input_length(&self) -> usize {
        match (self.major(), self.parameters()) {
            (major::WRITE, Parameters::Transfer { length, .. }) => length as usize,
            (_, Parameters::Control { input_length, .. }) => input_length as usize,
            _ => 0,
        }
    }

    fn is_control(&self) -> bool {
        matches!(self.major(), major::CONTROL | major::INTERNAL_CONTROL)
    }

    fn system_buffer(&self, length: usize) -> Span {
        Span {
            start: self.access().system_buffer().cast(),
            length,
        }
    }

    fn mdl(&self, length: usize) -> Span {
        let mdl = self.access().mdl_address();
        if mdl.is_null() || length == 0 {
            return Span {
                length,
                ..Span::NONE
            };
        }
        // SAFETY: the originator keeps the MDLs of an IRP valid while it is in flight, as the WDK
        // asks of it, and this driver has the IRP (invariant 1 of `LowerIrp`).
        let mdl = unsafe { MdlAccess::new(mdl) };
        if !mdl.is_resident() {
            self.kernel().violate(
                ViolationKind::UnlockedPagesUsed,
                Some(self.number()),
                "the driver maps an MDL whose pages are not locked",
            );
        }
        let described = mdl.byte_count() as usize;
        if described < length {
            self.kernel().violate(
                ViolationKind::BufferMissing,
                Some(self.number()),
                &format!("a request for {length} bytes carries an MDL of {described} bytes"),
            );
        }
        Span {
            start: mdl.system_address(),
            length: length.min(described),
        }
    }

    /// Finds where the output of the request goes.
    fn output_span(&self) -> Span {
        let length = self.output_length();
        if self.is_control() {
            match self.control_code() & 3 {
                0 => self.system_buffer(length),
                1 | 2 => self.mdl(length),
                _ => Span {
                    start: self.access().user_buffer().cast(),
                    length,
                },
            }
        } else {
            self.transfer_span(length)
        }
    }

    /// Finds where the input of the request is.
    fn input_span(&self) -> Span {
        let length = self.input_length();
        if !self.is_control() {
            return self.transfer_span(length);
        }
        if self.control_code() & 3 == 3 {
            Span {
                start: self
                    .location()
                    .device_control_parameters()
                    .Type3InputBuffer
                    .cast(),
                length,
            }
        } else {
            self.system_buffer(length)
        }
    }

    /// Finds the bytes of a read or write, by the device's I/O method.
    fn transfer_span(&self, length: usize) -> Span {
        let flags = self.device().flags();
        if flags & DO_BUFFERED_IO != 0 {
            self.system_buffer(length)
        } else if flags & DO_DIRECT_IO != 0 {
            self.mdl(length)
        } else {
            Span {
                start: self.access().user_buffer().cast(),
                length,
            }
        }
    }

    /// Returns the span if there is memory to copy from or to, and an empty one otherwise.
    fn usable(&self, span: Span) -> Span {
        if span.length == 0 || self.kernel().is_doomed(self.number()) {
            return Span::NONE;
        }
        if span.start.is_null() {
            self.kernel().violate(
                ViolationKind::BufferMissing,
                Some(self.number()),
                &format!("a request for {} bytes carries no buffer", span.length),
            );
            return Span::NONE;
        }
        span
    }

    /// Copies the input: what a write writes, or what a device control is given.
    #[must_use]
    pub fn input(&self) -> Vec<u8> {
        let span = self.usable(self.input_span());
        let mut bytes = vec![0; span.length];
        if span.length > 0 {
            let to = bytes.as_mut_ptr();
            // SAFETY: the originator vouches for this many bytes until the IRP is completed, and
            // this driver has it (invariant 1 of `LowerIrp`); the vector above is new memory.
            unsafe { span.start.copy_to_nonoverlapping(to, span.length) };
        }
        bytes
    }

    /// Copies bytes into the output, as many as fit, and returns how many.
    #[expect(clippy::must_use_candidate, reason = "called for its effect")]
    pub fn write_output(&self, bytes: &[u8]) -> usize {
        let span = self.usable(self.output_span());
        let length = span.length.min(bytes.len());
        if length > 0 {
            // SAFETY: the originator vouches for this many bytes until the IRP is completed, and
            // this driver has it (invariant 1 of `LowerIrp`); a slice of the test does not overlap
            // them.
            unsafe { span.start.copy_from_nonoverlapping(bytes.as_ptr(), length) };
        }
        length
    }

    /// Returns what [`Behavior::transfer`](crate::Behavior::transfer) answers a read with.
    ///
    /// These are bytes that count up from the low byte of the offset.
    #[must_use]
    pub fn read_pattern(&self) -> Vec<u8> {
        let first = match self.parameters() {
            Parameters::Transfer { byte_offset, .. } => byte_offset.to_le_bytes()[0],
            _ => 0,
        };
        (0..self.output_length())
            .map(|index| first.wrapping_add(index.to_le_bytes()[0]))
            .collect()
    }

    /// Returns the request as it is now.
    pub(super) fn receive(&self) -> Received {
        let access = self.access();
        let location = self.location();
        Received {
            irp: self.number(),
            major: location.major_function(),
            minor: location.minor_function(),
            flags: location.flags(),
            control: location.control(),
            parameters: self.parameters(),
            file_object: location.file_object().addr(),
            irql: this_thread::irql(),
            stack_count: access.stack_count(),
            location: access.current_location(),
            data: self.input(),
        }
    }
}
