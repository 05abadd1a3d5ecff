//! `ci`: everything that must pass on a clean clone.

use lexopt::Parser;

use crate::arguments;
use crate::steps::{self, Action, DOCUMENTATION, FORMAT, LINTS, Step, TESTS};
use crate::tree::Tree;
use crate::verdict::{Result, Verdict};

pub(crate) const HELP: &str = "\
Installs what it needs; what cannot be installed is SKIPPED and counted. The last line is
`N passed, N failed, N skipped`, where each test of cargo's and each case in Wine's kernel counts.
";

/// The library and the example driver, as a kernel image has them, for one architecture.
macro_rules! kernel_build {
    ($target:literal) => {
        Step {
            name: concat!("kernel build for ", $target),
            target: Some($target),
            actions: &[
                Action::Cargo(&[
                    "clippy",
                    "--package=wdm-irp",
                    "--features=kernel,alloc",
                    concat!("--target=", $target),
                    "--locked",
                    "--",
                    "-Dwarnings",
                ]),
                Action::Cargo(&[
                    "clippy",
                    "--package=wine-driver",
                    "--lib",
                    "--features=kernel",
                    concat!("--target=", $target),
                    "--locked",
                    "--",
                    "-Dwarnings",
                ]),
            ],
        }
    };
}

pub(crate) const STEPS: &[Step] = &[
    FORMAT,
    LINTS,
    DOCUMENTATION,
    Step::new(
        "quick start",
        &[Action::Cargo(&["run", "--example=quickstart", "--locked"])],
    ),
    TESTS,
    Step::new("tests on slow machines", &[Action::Xtask(&["delays"])]),
    kernel_build!("x86_64-pc-windows-msvc"),
    kernel_build!("aarch64-pc-windows-msvc"),
    Step {
        name: "a 32-bit build is refused",
        target: Some("i686-pc-windows-msvc"),
        actions: &[Action::Refused {
            cargo: &[
                "check",
                "--package=wdm-irp",
                "--no-default-features",
                "--target=i686-pc-windows-msvc",
                "--locked",
            ],
            because: "wdm-irp supports 64-bit Windows only",
        }],
    },
    Step::new(
        "the tests as Windows programs",
        &[Action::Xtask(&["windows-tests"])],
    ),
    Step::new(
        "the driver in the kernel of Wine",
        &[Action::Xtask(&["wine"])],
    ),
    // The rest of the host suite takes Miri a quarter of an hour: `cargo xtask miri` alone.
    Step::new(
        "the tests of the library under Miri",
        &[Action::Xtask(&[
            "miri",
            "1",
            "--",
            "--package=wdm-irp-tests",
            "--tests",
        ])],
    ),
    Step::new("every interleaving", &[Action::Xtask(&["loom"])]),
    Step::new("seeded bugs", &[Action::Xtask(&["bugs"])]),
    Step::new(
        "features, versions and dependencies",
        &[Action::Xtask(&["deps"])],
    ),
    Step::new(
        "the machine code of a completion routine",
        &[Action::Xtask(&["bench", "code-size"])],
    ),
];

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    arguments::none(&mut parser)?;
    // Colors would be read as part of what is counted, and nobody is there to answer apt.
    tree.shell.set_var("CARGO_TERM_COLOR", "never");
    tree.shell.set_var("DEBIAN_FRONTEND", "noninteractive");
    steps::run(tree, STEPS)
}
