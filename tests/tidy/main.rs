//! Reads the repository and fails where it no longer keeps its own house rules.
//!
//! Each check is a function over the files' texts, with a test of its own that shows it can fail.

mod bugs;
mod circles;
mod citations;
mod hazards;
mod imports;
mod pages;
mod prose;
mod rooms;
mod source;
mod tests_by_name;
mod tree;

use tree::Findings;

/// Runs one check on the repository.
fn check(check: impl Fn(&[tree::File]) -> Findings) {
    let Some(files) = tree::repository() else {
        eprintln!("SKIPPED: the repository cannot be read from here");
        return;
    };
    let found = check(&files);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn hazards_have_an_anchor_and_name_their_tests() {
    check(hazards::page);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn citations_of_hazards_are_links() {
    check(citations::citations);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn pages_name_files_that_exist() {
    check(pages::paths);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn seeded_bugs_name_a_test_that_exists() {
    check(bugs::headers);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn files_form_no_circle() {
    check(circles::circles);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn imports_point_downwards() {
    check(circles::upward);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn rooms_have_a_floor() {
    check(circles::floors);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn files_are_short() {
    check(rooms::long);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn faces_hold_modules_and_exports_only() {
    check(rooms::faces);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn comments_end_at_column_100() {
    check(prose::wide);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn spelling_is_american() {
    check(prose::spelling);
}
