//! What is read here: import tables, and the report that a driver gives of itself.

use std::collections::BTreeSet;

/// Returns the modules that an image imports, from the listing of `llvm-readobj --coff-imports`.
pub(super) fn imports(table: &str) -> BTreeSet<&str> {
    table
        .lines()
        .filter_map(|line| line.strip_prefix("  Name: "))
        .collect()
}

/// A line of the driver's report.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'l> {
    Passed(&'l str),
    /// A case, and why it failed.
    Failed(&'l str, &'l str),
    Other(&'l str),
}

impl<'l> Line<'l> {
    pub(super) fn parse(line: &'l str) -> Self {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Some(case) = line.strip_prefix("passed ") {
            Self::Passed(case)
        } else if let Some(failure) = line.strip_prefix("failed ") {
            let (case, why) = failure.split_once(": ").unwrap_or((failure, failure));
            Self::Failed(case, why)
        } else {
            Self::Other(line)
        }
    }

    /// Returns whether the report ends with this line, if nothing has stopped it.
    pub(super) fn is_last(&self) -> bool {
        matches!(self, Self::Passed(case) | Self::Failed(case, _) if case.starts_with("unload"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "
File: wine_driver.dll
Import {
  Name: ntoskrnl.exe
  Symbol: IoFreeIrp (0)
}
Import {
  Name: HAL.dll
  Symbol: Name: x (0)
}
Import {
  Name: ntoskrnl.exe
}
";

    #[test]
    fn each_imported_module_is_found_once() {
        assert_eq!(imports(TABLE), BTreeSet::from(["HAL.dll", "ntoskrnl.exe"]));
        assert!(imports("").is_empty());
    }

    #[test]
    fn line_is_a_case_or_something_else() {
        assert_eq!(
            Line::parse("passed read_inline\r"),
            Line::Passed("read_inline")
        );
        let failed = Line::parse("failed read_pended: 3 IRPs: why\r");
        assert_eq!(failed, Line::Failed("read_pended", "3 IRPs: why"));
        assert_eq!(Line::parse("  1 passed\r"), Line::Other("  1 passed"));
    }

    #[test]
    fn report_ends_when_the_driver_is_unloaded() {
        assert!(Line::parse("passed unload").is_last());
        assert!(Line::parse("failed unload: an IRP is left").is_last());
        assert!(!Line::parse("passed read_unload").is_last());
        assert!(!Line::parse("unload").is_last());
    }
}
