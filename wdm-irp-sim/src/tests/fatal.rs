//! What ends the process: each case runs in a child process, which is this test binary again.

use std::process::{Command, Output};
use std::time::Duration;

use super::support::*;
use crate::Machine;

const CASE: &str = "WDM_IRP_SIM_FATAL_CASE";

/// Runs a test of this module in a child process, where [`is_child`] is true.
fn run_child(test: &str) -> Output {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("tests::fatal::{test}"), "--nocapture"])
        .env(CASE, test)
        .output()
        .unwrap();
    assert!(!output.status.success(), "{output:?}");
    output
}

fn is_child() -> bool {
    std::env::var_os(CASE).is_some()
}

#[test]
fn a_wait_for_ever_that_nobody_ends() {
    if is_child() {
        let machine = Machine::new();
        machine.hang_limit(Duration::from_millis(50));
        let _leaked = Irp::allocate(1);
        Event::notification().wait(None);
        unreachable!("the process has ended");
    }
    let output = run_child("a_wait_for_ever_that_nobody_ends");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("wdm-irp-sim: HANG: thread originator"),
        "{text}"
    );
    assert!(text.contains("has waited for 50ms: an event"), "{text}");
    assert!(
        text.contains("IRP#1: not sent, at the originator"),
        "{text}"
    );
    assert!(
        text.contains("KeWaitForSingleObject(KernelMode, forever)"),
        "{text}"
    );
    assert!(!text.contains("unreachable"), "{text}");
}

#[test]
fn a_misuse_on_a_thread_that_is_on_no_machine() {
    if is_child() {
        let irp = Irp::allocate(1);
        irp.free();
        irp.free();
        unreachable!("the process has ended");
    }
    let output = run_child("a_misuse_on_a_thread_that_is_on_no_machine");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("BUG CHECK on a thread that is on no Machine"),
        "{text}"
    );
    assert!(
        text.contains("BAD_POOL_CALLER (0xC2, 0x7) IrpFreedTwice"),
        "{text}"
    );
    assert!(!text.contains("unreachable"), "{text}");
}

#[test]
fn a_panic_of_the_test_comes_with_the_violations_before_it() {
    if is_child() {
        let _machine = Machine::new();
        let irp = Irp::allocate(1);
        irp.free();
        irp.free();
        panic!("the test's own");
    }
    let output = run_child("a_panic_of_the_test_comes_with_the_violations_before_it");
    let text = String::from_utf8_lossy(&output.stderr);
    let (_, after) = text
        .split_once("wdm-irp-sim: violations before the panic:\n")
        .expect(&text);
    assert!(
        after.starts_with("BAD_POOL_CALLER (0xC2, 0x7) IrpFreedTwice"),
        "{text}"
    );
}
