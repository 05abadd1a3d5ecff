//! The steps of a program.

use std::collections::HashMap;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use wdm_irp::ByteOffset;
use wdm_irp::sys::DISPATCH_LEVEL;

use super::job::Job;
use super::sender::Sender;
use super::stack::Stack;
use crate::handles::{apply, trigger};
use crate::oracle::Expected;
use crate::program::{CancellerOp, DeviceSpec, HandleOp, How, IoMethod, RequestSpec, Step, To};
use crate::routines::{Context, signal_if_pended};
use crate::shared::{Removal, count, lock};
use crate::slots::Reached;

impl Sender {
    /// Allocates an IRP, makes the request, arms it, and sends it.
    pub(super) fn send(&mut self, stack: &Stack, spec: &RequestSpec, how: How) {
        match spec.to {
            To::Device => self.send_to(stack.top.target(), stack, spec, how),
            To::Pair => self.send_to(&stack.pair, stack, spec, how),
            To::Locked => self.send_to(stack.locked(), stack, spec, how),
        }
    }

    fn send_to<T: Reached>(&mut self, target: &T, stack: &Stack, spec: &RequestSpec, how: How) {
        let here = matches!(
            how,
            How::AndWait(_) | How::Scoped(_) | How::ScopedCancellable(..)
        );
        if here && spec.borrowed && spec.lent {
            if let Some(irp) = self.allocate(target) {
                count(&self.shared.coverage.lent_targets);
                let job = self.job(stack, spec, how);
                self.send_lent(irp, &job);
            }
            return;
        }
        let idle = if spec.reuse {
            lock(T::idle(&stack.idle)).pop()
        } else {
            None
        };
        let irp = match idle {
            Some(irp) => {
                count(&self.shared.coverage.irps_reused);
                irp
            }
            None => match self.allocate(target.clone()) {
                Some(irp) => irp,
                None => return,
            },
        };
        let job = self.job(stack, spec, how);
        if here && spec.borrowed {
            self.send_lent(irp, &job);
        } else {
            self.send_owned(irp, &job);
        }
    }

    /// Prepares the device for a request.
    fn job<'a>(&self, stack: &Stack, spec: &'a RequestSpec, how: How) -> Job<'a> {
        let coverage = self.shared.coverage;
        if spec.to != To::Device {
            count(&coverage.own_locations);
            if stack.spec.registered {
                count(&coverage.registered);
            }
        }
        if spec.to == To::Locked {
            count(&coverage.locked);
        }
        stack.behave(&self.shared, spec.lower);
        let how = match how {
            How::InSlot(_) if self.slots.is_none() => How::Boxed,
            how => how,
        };
        Job {
            spec,
            how,
            expected: Expected::new(
                &self.shared,
                spec,
                &stack.base,
                stack.spec.answer,
                &stack.idle,
            ),
            direct: stack.spec.method == IoMethod::Direct,
            registered: stack.spec.registered,
        }
    }

    /// Makes a request and drops it.
    pub(super) fn drop_unsent(&mut self, stack: &Stack, spec: &RequestSpec, armed: bool) {
        match spec.to {
            To::Device => self.drop_unsent_to(stack.top.target(), spec, armed),
            To::Pair => self.drop_unsent_to(&stack.pair, spec, armed),
            To::Locked => self.drop_unsent_to(stack.locked(), spec, armed),
        }
    }

    fn drop_unsent_to<T: Reached>(&mut self, target: &T, spec: &RequestSpec, armed: bool) {
        let Some(irp) = self.allocate(target) else {
            return;
        };
        let tally = self.shared.tally();
        let bytes = tally.buffer(vec![0; spec.output]);
        let request = irp.read(bytes, ByteOffset(0));
        if armed {
            let context = Context::new(tally, None);
            drop(request.on_completion(signal_if_pended, context));
        } else {
            drop(request);
        }
    }

    pub(super) fn step(&mut self, step: &Step, stacks: &[Stack]) {
        let shared = self.shared.clone();
        let devices = stacks.len();
        match step {
            Step::AllocateAndDrop { device, to } => {
                let stack = &stacks[device % devices];
                match to {
                    To::Device => drop(self.allocate(stack.top.target())),
                    To::Pair => drop(self.allocate(stack.pair.clone())),
                    To::Locked => drop(self.allocate(stack.locked())),
                }
            }
            Step::DropUnsent(spec, armed) => {
                self.drop_unsent(&stacks[spec.device % devices], spec, *armed);
            }
            Step::Send(spec, how) => self.send(&stacks[spec.device % devices], spec, *how),
            Step::Handle(index, op) => {
                if !self.handles.is_empty() {
                    let index = index % self.handles.len();
                    let handle = self.handles.swap_remove(index);
                    let left = apply(handle, *op, &mut self.threads);
                    self.handles.extend(left);
                }
            }
            Step::Canceller(index, op) => {
                if !self.cancellers.is_empty() {
                    let index = index % self.cancellers.len();
                    self.use_canceller(index, *op);
                }
            }
            Step::Remove => self.remove(),
            Step::Trigger(device, elsewhere) => {
                let Stack { base, spec, .. } = &stacks[device % devices];
                let (base, default, errors) = (base.clone(), spec.answer, shared.errors.clone());
                let coverage = shared.coverage;
                let work = move || {
                    if trigger(&base, default, &errors, DISPATCH_LEVEL) {
                        count(&coverage.triggered);
                    }
                };
                if *elsewhere {
                    self.threads.push(shared.machine.spawn(work));
                } else {
                    work();
                }
            }
            Step::Fail(fault, skip) => shared.fail(*fault, *skip),
            Step::Delay(point, micros) => {
                let delay = Duration::from_micros(*micros);
                shared.machine.faults().delay(*point, delay);
            }
            Step::ClearFaults => shared.clear_faults(),
            Step::SendOnAnotherThread(spec, how, end) => {
                let device = stacks[spec.device % devices].spec;
                self.send_elsewhere(*spec, *how, *end, device);
            }
            Step::Join => self.join(),
        }
    }

    /// Does something with a right to cancel a request, which may be over.
    fn use_canceller(&mut self, index: usize, op: CancellerOp) {
        let (canceller, expected) = self.cancellers.swap_remove(index);
        let cancel = move || {
            count(&expected.shared.coverage.cancellers_used);
            expected.cancelled.store(true, SeqCst);
            canceller.cancel();
            (canceller, expected)
        };
        match op {
            CancellerOp::Cancel => self.cancellers.push(cancel()),
            CancellerOp::CancelOnAnotherThread => {
                self.threads
                    .push(self.shared.machine.spawn(move || drop(cancel())));
            }
            CancellerOp::Drop => {}
        }
    }

    /// Begins to remove the driver's own device, unless that has begun.
    fn remove(&mut self) {
        let shared = self.shared.clone();
        let Some(locks) = shared.locks.filter(|_| shared.removal() == Removal::Not) else {
            return;
        };
        count(&shared.coverage.removals);
        shared.share_allocations();
        shared.set_removal(Removal::Begun);
        let machine = shared.machine.clone();
        self.removal = Some(machine.spawn(move || {
            locks.remove();
            shared.set_removal(Removal::Over);
        }));
    }

    /// Sends a request on another thread, to a device of its own.
    pub(super) fn send_elsewhere(
        &mut self,
        spec: RequestSpec,
        how: How,
        end: HandleOp,
        device: DeviceSpec,
    ) {
        let shared = self.shared.clone();
        shared.share_allocations();
        let stack = Stack::new(&shared, device);
        self.threads.push(self.shared.machine.spawn(move || {
            count(&shared.coverage.on_other_threads);
            let mut sender = Self {
                shared,
                handles: Vec::new(),
                cancellers: Vec::new(),
                threads: Vec::new(),
                removal: None,
                slots: None,
                occupants: HashMap::new(),
                touched: Vec::new(),
            };
            sender.send(&stack, &spec, how);
            sender.finish(end, &[stack]);
        }));
    }

    /// Ends the handles and the threads, and completes what was abandoned.
    pub(super) fn finish(&mut self, end: HandleOp, stacks: &[Stack]) {
        for handle in std::mem::take(&mut self.handles) {
            if let Some(handle) = apply(handle, end, &mut self.threads) {
                handle.discard(false);
            }
        }
        self.join();
        for Stack { base, spec, .. } in stacks {
            while trigger(base, spec.answer, &self.shared.errors, DISPATCH_LEVEL) {}
        }
        // Neither IRPs that wait for their next request nor cancellers delay it.
        if let Some(removal) = self.removal.take()
            && removal.join().is_err()
        {
            self.shared.errors.add("the removal panicked");
        }
    }

    pub(super) fn join(&mut self) {
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                self.shared.errors.add("a thread panicked");
            }
        }
    }
}
