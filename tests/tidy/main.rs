//! Reads the repository and fails where it no longer keeps its own house rules.
//!
//! Each check is a function over the files' texts, with a test of its own that shows it can fail.
//! What the tree does not keep yet stands in [`known`]: lists that shrink, since an entry that is
//! no longer needed fails as well.

mod bugs;
mod circles;
mod citations;
mod hazards;
mod imports;
mod known;
mod prose;
mod rooms;
mod source;
mod tests_by_name;
mod tree;

use tree::Findings;

/// Runs one check on the repository and compares what it finds with the list of what is known.
fn check(check: impl Fn(&[tree::File]) -> Findings, known: &[&str]) {
    let Some(files) = tree::repository() else {
        eprintln!("SKIPPED: the repository cannot be read from here");
        return;
    };
    let complaint = tree::compare(&check(&files), known);
    assert!(complaint.is_empty(), "\n{complaint}");
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn hazards_have_an_anchor_and_name_their_tests() {
    check(hazards::page, &[]);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn citations_of_hazards_are_links() {
    check(citations::citations, known::CITATIONS_WITHOUT_LINK);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn seeded_bugs_name_a_test_that_exists() {
    check(bugs::headers, &[]);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn files_form_no_circle() {
    check(circles::circles, known::IN_A_CIRCLE);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn imports_point_downwards() {
    check(circles::upward, known::IMPORTS_UPWARDS);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn files_are_short() {
    check(rooms::long, known::LONG);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn faces_hold_modules_and_exports_only() {
    check(rooms::faces, known::FACES_THAT_HOLD_MORE);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn comments_end_at_column_100() {
    check(prose::wide, known::WIDE_COMMENTS);
}

#[test]
#[cfg_attr(miri, ignore = "reads the repository")]
fn spelling_is_american() {
    check(prose::spelling, known::BRITISH_SPELLING);
}
