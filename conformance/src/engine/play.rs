//! Plays the steps of a routine, on this thread or on another one.

use core::sync::atomic::Ordering;

use wdm_irp::sys::{NTSTATUS, STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS};

use super::act::Act;
use super::bench::Bench;
use super::work::Work;
use crate::script::{Errand, Step};

impl Act<'_> {
    /// Plays the steps of a routine, and returns what the routine returns.
    pub(super) fn play(mut self, steps: &[Step]) -> NTSTATUS {
        for step in steps {
            match *step {
                Step::Allocate(stack_size) => {
                    self.allocate(stack_size);
                    if self.irp.is_null() {
                        return STATUS_INSUFFICIENT_RESOURCES;
                    }
                }
                Step::Free => self.free(),
                Step::OwnLocation => self.own_location(),
                Step::Next(major, minor) => self.next(major, minor),
                Step::Copy => self.copy(),
                Step::Skip => self.skip(),
                Step::SetRoutine(control) => self.set_routine(control),
                Step::Call(below) => self.call(below),
                Step::Mark => self.mark(),
                Step::MarkIfPendingReturned => {
                    if self.access().pending_returned() {
                        self.mark();
                    }
                }
                Step::SetStatus(status, information) => self.set_status(status, information),
                Step::Complete => self.complete(),
                Step::Hold => {
                    self.bench().irps[self.actor.index()].store(self.irp, Ordering::Release);
                }
                Step::Continue(actor, steps) => {
                    // SAFETY: the bench is valid by invariant 1 of `Act`, and this actor goes on
                    // afterwards.
                    let holder = unsafe { Act::of_holder(self.bench, actor) };
                    holder.play(steps);
                }
                Step::OnThread(errand) => self.on_thread(errand),
                Step::SetCancelRoutine(set) => self.set_cancel_routine(set),
                Step::AcquireCancelLock => self.acquire_cancel_lock(),
                Step::ReleaseCancelLock => self.release_cancel_lock(),
                Step::Cancel => self.cancel(),
                Step::InitializeEvent(which, kind, state) => {
                    self.initialize_event(which, kind, state);
                }
                Step::SetEvent(which) => self.set_event(which),
                Step::Signal(which) => self.signal(which),
                Step::Wait(which, limit) => self.wait(which, limit),
                Step::AllocateMdl(which, offset, length, attach) => {
                    self.allocate_mdl(which, offset, length, attach);
                    if self.mdl(which).is_null() {
                        return STATUS_INSUFFICIENT_RESOURCES;
                    }
                }
                Step::DetachMdls => self.detach_mdls(),
                Step::LockPages(which) => self.lock_pages(which),
                Step::UnlockPages(which) => self.unlock_pages(which),
                Step::FreeMdl(which) => self.free_mdl(which),
                Step::ShowIrp => self.show_irp(),
                Step::ShowLocation => self.show_location(),
                Step::ShowIrql => self.show_irql(),
                Step::Return(status) => return status,
                Step::ReturnCalled => return self.called,
            }
        }
        STATUS_SUCCESS
    }

    /// Gives another thread something to do, or does it here if there is none.
    fn on_thread(&self, errand: &'static Errand) {
        let bench = self.bench();
        bench.errand.set(Some(errand));
        // INVARIANT: 2: set above. 1: the script waits for the errand's last step (invariant 2 of
        // `Scenario`).
        let work = Work(self.bench.cast_mut().cast());
        if let Err(work) = bench.threads.start(work) {
            self.trace(format_args!("no thread"));
            work.run();
        }
    }
}

impl Work {
    /// Does the work.
    pub fn run(self) {
        let bench: *const Bench<'_> = self.0.cast();
        // SAFETY: the bench of a scenario that waits (invariant 1 of `Work`). The scenario does not
        // write to the errand while it waits.
        let errand = unsafe { (*bench).errand.get() };
        if let Some(Errand { actor, steps }) = errand {
            // SAFETY: a bench, and its scenario waits for this actor (invariant 1 of `Work`).
            let holder = unsafe { Act::of_holder(bench, *actor) };
            holder.play(steps);
        }
    }
}
