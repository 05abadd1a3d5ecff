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

pub(crate) const STEPS: &[Step] = &[
    FORMAT,
    LINTS,
    DOCUMENTATION,
    Step {
        name: "quick start",
        target: None,
        actions: &[Action::Cargo(&["run", "--example=quickstart", "--locked"])],
    },
    TESTS,
    Step {
        name: "tests on slow machines",
        target: None,
        actions: &[Action::Xtask(&["delays"])],
    },
    Step {
        name: "kernel build for x86_64-pc-windows-msvc",
        target: Some("x86_64-pc-windows-msvc"),
        actions: &[
            Action::Cargo(&[
                "clippy",
                "--package=wdm-irp",
                "--features=kernel,alloc",
                "--target=x86_64-pc-windows-msvc",
                "--locked",
                "--",
                "-Dwarnings",
            ]),
            Action::Cargo(&[
                "clippy",
                "--package=wine-driver",
                "--lib",
                "--features=kernel",
                "--target=x86_64-pc-windows-msvc",
                "--locked",
                "--",
                "-Dwarnings",
            ]),
        ],
    },
    Step {
        name: "kernel build for aarch64-pc-windows-msvc",
        target: Some("aarch64-pc-windows-msvc"),
        actions: &[
            Action::Cargo(&[
                "clippy",
                "--package=wdm-irp",
                "--features=kernel,alloc",
                "--target=aarch64-pc-windows-msvc",
                "--locked",
                "--",
                "-Dwarnings",
            ]),
            Action::Cargo(&[
                "clippy",
                "--package=wine-driver",
                "--lib",
                "--features=kernel",
                "--target=aarch64-pc-windows-msvc",
                "--locked",
                "--",
                "-Dwarnings",
            ]),
        ],
    },
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
    Step {
        name: "the tests as Windows programs",
        target: None,
        actions: &[Action::Xtask(&["windows-tests"])],
    },
    Step {
        name: "the driver in the kernel of Wine",
        target: None,
        actions: &[Action::Xtask(&["wine"])],
    },
    // The rest of the host suite takes Miri a quarter of an hour: `cargo xtask miri` alone.
    Step {
        name: "the tests of the library under Miri",
        target: None,
        actions: &[Action::Xtask(&[
            "miri",
            "1",
            "--",
            "--package=wdm-irp-tests",
            "--tests",
        ])],
    },
    Step {
        name: "every interleaving",
        target: None,
        actions: &[Action::Xtask(&["loom"])],
    },
    Step {
        name: "seeded bugs",
        target: None,
        actions: &[Action::Xtask(&["bugs"])],
    },
    Step {
        name: "features, versions and dependencies",
        target: None,
        actions: &[Action::Xtask(&["deps"])],
    },
    Step {
        name: "the machine code of a completion routine",
        target: None,
        actions: &[Action::Xtask(&["bench", "code-size"])],
    },
];

pub(crate) fn run(tree: &Tree, mut parser: Parser) -> Result<Verdict> {
    arguments::none(&mut parser)?;
    // Colors would be read as part of what is counted, and nobody is there to answer apt.
    tree.shell.set_var("CARGO_TERM_COLOR", "never");
    tree.shell.set_var("DEBIAN_FRONTEND", "noninteractive");
    steps::run(tree, STEPS)
}
