//! Compiles programs that must not compile, with what the compiler says, and some that must.

#[test]
#[cfg_attr(
    any(windows, miri),
    ignore = "runs cargo: there is none in Wine's user mode or under Miri"
)]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/hazards/*.rs");
    cases.compile_fail("ui/adversarial/*.rs");
    cases.compile_fail("ui/macro/*.rs");
    cases.pass("ui/macro-pass/*.rs");
}
