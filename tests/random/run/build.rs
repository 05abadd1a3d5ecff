//! Requests of every kind, with buffers that are lent or owned.

use wdm_irp::buffer::SystemBuffer;
use wdm_irp::irql::UpToDispatch;
use wdm_irp::request::{PnpMinor, Request, Transfer};
use wdm_irp::target::Target;
use wdm_irp::{ByteOffset, Irp};
use wdm_irp_tests::codes::{BUFFERED, IN_DIRECT, NEITHER, OUT_DIRECT};

use super::job::Job;
use super::levels::Levels;
use super::sender::Sender;
use crate::answers::offset;
use crate::idle::Kept;
use crate::oracle::input_of_both;
use crate::program::{How, Kind, Method, RequestSpec, RoutineSpec};
use crate::routines::{checking, matching, nesting, signal_if_pended};
use crate::slots::{Owned, Payload, Reached, Routine, SLOTS};

impl Sender {
    /// Makes a request whose buffers are borrowed.
    pub(super) fn send_lent<T: Target<Irql = UpToDispatch> + Kept>(&self, irp: Irp<T>, job: &Job) {
        let spec = job.spec;
        let offset = ByteOffset(offset(spec.first, spec.answer));
        let [mut first, mut second] = job.expected.before.clone();
        {
            let (first, second) = (&mut first[..], &mut second[..]);
            match spec.kind {
                Kind::Flush => self.lent(irp.flush(), job),
                Kind::Shutdown => self.lent(irp.shutdown(), job),
                Kind::Pnp => self.lent(irp.pnp(PnpMinor::QUERY_PNP_DEVICE_STATE), job),
                Kind::Read => self.lent(irp.read(second, offset), job),
                Kind::Write => self.lent(irp.write(second, offset), job),
                Kind::Control { method, internal } => match (method, internal) {
                    (Method::InDirect, true) => {
                        let pair = (first, second);
                        self.lent(irp.internal_device_control(IN_DIRECT, pair), job);
                    }
                    (Method::InDirect, false) => {
                        self.lent(irp.device_control(IN_DIRECT, (first, second)), job);
                    }
                    (Method::OutDirect, true) => {
                        let pair = (first, second);
                        self.lent(irp.internal_device_control(OUT_DIRECT, pair), job);
                    }
                    (Method::OutDirect, false) => {
                        self.lent(irp.device_control(OUT_DIRECT, (first, second)), job);
                    }
                    (Method::Neither, true) => {
                        let pair = (first, second);
                        self.lent(irp.internal_device_control(NEITHER, pair), job);
                    }
                    (Method::Neither, false) => {
                        self.lent(irp.device_control(NEITHER, (first, second)), job);
                    }
                    (Method::Input | Method::Output | Method::Both, true) => {
                        let buffer = system_buffer(method, second, spec);
                        self.lent(irp.internal_device_control(BUFFERED, buffer), job);
                    }
                    (Method::Input | Method::Output | Method::Both, false) => {
                        let buffer = system_buffer(method, second, spec);
                        self.lent(irp.device_control(BUFFERED, buffer), job);
                    }
                },
            }
        }
        // It can be used again, and nobody else does.
        first.fill(0);
        second.fill(0);
    }

    /// Makes a request that owns its buffers.
    pub(super) fn send_owned<T: Reached>(&mut self, irp: Irp<T>, job: &Job) {
        let spec = job.spec;
        let offset = ByteOffset(offset(spec.first, spec.answer));
        let [first, second] = job.expected.before.clone();
        let tally = job.expected.tally;
        match spec.kind {
            Kind::Flush => self.owned(irp.flush(), job),
            Kind::Shutdown => self.owned(irp.shutdown(), job),
            Kind::Pnp => self.owned(irp.pnp(PnpMinor::QUERY_PNP_DEVICE_STATE), job),
            Kind::Read => self.owned(irp.read(tally.buffer(second), offset), job),
            Kind::Write => self.owned(irp.write(tally.buffer(second), offset), job),
            Kind::Control { method, internal } => {
                let second = tally.buffer(second);
                let pair = |second| (tally.buffer(first.clone()), second);
                match (method, internal) {
                    (Method::InDirect, true) => {
                        let pair = pair(second);
                        self.owned(irp.internal_device_control(IN_DIRECT, pair), job);
                    }
                    (Method::InDirect, false) => {
                        self.owned(irp.device_control(IN_DIRECT, pair(second)), job);
                    }
                    (Method::OutDirect, true) => {
                        let pair = pair(second);
                        self.owned(irp.internal_device_control(OUT_DIRECT, pair), job);
                    }
                    (Method::OutDirect, false) => {
                        self.owned(irp.device_control(OUT_DIRECT, pair(second)), job);
                    }
                    (Method::Neither, true) => {
                        let pair = pair(second);
                        self.owned(irp.internal_device_control(NEITHER, pair), job);
                    }
                    (Method::Neither, false) => {
                        self.owned(irp.device_control(NEITHER, pair(second)), job);
                    }
                    (Method::Input | Method::Output | Method::Both, true) => {
                        let buffer = system_buffer(method, second, spec);
                        self.owned(irp.internal_device_control(BUFFERED, buffer), job);
                    }
                    (Method::Input | Method::Output | Method::Both, false) => {
                        let buffer = system_buffer(method, second, spec);
                        self.owned(irp.device_control(BUFFERED, buffer), job);
                    }
                }
            }
        }
    }

    /// Arms a request whose buffer is owned, and sends it in any way.
    pub(super) fn owned<T, K, B>(&mut self, request: Request<T, K, B>, job: &Job)
    where
        T: Reached,
        K: Transfer<B, Irql: Levels>,
        B: Owned,
    {
        let context = self.context(job);
        if !T::GETS_EVERY_ROUTINE {
            return self.anyhow(request.on_completion(nesting, context), job);
        }
        match job.spec.routine {
            RoutineSpec::SignalIfPended => {
                self.anyhow(request.on_completion(signal_if_pended, context), job);
            }
            RoutineSpec::Match => self.anyhow(request.on_completion(matching, context), job),
            RoutineSpec::Check => self.anyhow(request.on_completion(checking, context), job),
            RoutineSpec::Nested(_) => self.anyhow(request.on_completion(nesting, context), job),
        }
    }

    /// Arms a request whose buffer is borrowed, and sends it in a way that ends here.
    pub(super) fn lent<T, K, B>(&self, request: Request<T, K, B>, job: &Job)
    where
        T: Target<Irql = UpToDispatch> + Kept,
        K: Transfer<B, Irql: Levels>,
        B: Payload,
    {
        let context = self.context(job);
        if !T::GETS_EVERY_ROUTINE {
            return Self::here(request.on_completion(nesting, context), job);
        }
        match job.spec.routine {
            RoutineSpec::SignalIfPended => {
                Self::here(request.on_completion(signal_if_pended, context), job);
            }
            RoutineSpec::Match => Self::here(request.on_completion(matching, context), job),
            RoutineSpec::Check => Self::here(request.on_completion(checking, context), job),
            RoutineSpec::Nested(_) => Self::here(request.on_completion(nesting, context), job),
        }
    }

    pub(super) fn anyhow<T, K, B, R>(&mut self, request: Request<T, K, B, R>, job: &Job)
    where
        T: Reached,
        K: Transfer<B, Irql: Levels>,
        B: Owned,
        R: Routine,
    {
        let not_sent = match job.how {
            How::AndWait(limit) => Self::and_wait(request, job, limit).err(),
            How::Scoped(op) => Self::scoped(request, job, op).err(),
            How::InSlot(slot) => {
                let slots = self.slots.expect("this thread has slots");
                self.in_slot(
                    request,
                    job,
                    &B::slots(R::slots(T::slots(slots)))[slot % SLOTS],
                )
                .err()
            }
            How::Boxed => self.boxed(request, job).err(),
            How::Cancellable => self.cancellable(request, job).err(),
            How::ScopedCancellable(op, meanwhile) => {
                Self::scoped_cancellable(request, job, op, meanwhile).err()
            }
        };
        let Some(not_sent) = not_sent.filter(|_| job.spec.again) else {
            return;
        };
        let request = not_sent.request;
        let _ = match job.how {
            How::AndWait(limit) => Self::and_wait(request, job, limit).err(),
            How::Scoped(op) => Self::scoped(request, job, op).err(),
            How::ScopedCancellable(op, meanwhile) => {
                Self::scoped_cancellable(request, job, op, meanwhile).err()
            }
            How::InSlot(_) | How::Boxed | How::Cancellable => self.boxed(request, job).err(),
        };
    }

    pub(super) fn here<T, K, B, R>(request: Request<T, K, B, R>, job: &Job)
    where
        T: Target<Irql = UpToDispatch> + Kept,
        K: Transfer<B, Irql: Levels>,
        B: Payload,
        R: Routine,
    {
        let send = |request| match job.how {
            How::AndWait(limit) => Self::and_wait(request, job, limit),
            How::Scoped(op) => Self::scoped(request, job, op),
            How::ScopedCancellable(op, meanwhile) => {
                Self::scoped_cancellable(request, job, op, meanwhile)
            }
            How::InSlot(_) | How::Boxed | How::Cancellable => {
                unreachable!("the buffer is borrowed")
            }
        };
        if let Err(not_sent) = send(request)
            && job.spec.again
        {
            let _ = send(not_sent.request);
        }
    }
}

/// Makes the buffer of a `METHOD_BUFFERED` request.
fn system_buffer<B: wdm_irp::buffer::IoBuffer>(
    method: Method,
    buffer: B,
    spec: &RequestSpec,
) -> SystemBuffer<B> {
    match method {
        Method::Input => SystemBuffer::input(buffer),
        Method::Output => SystemBuffer::output(buffer),
        _ => SystemBuffer::both(buffer, input_of_both(spec)),
    }
}
