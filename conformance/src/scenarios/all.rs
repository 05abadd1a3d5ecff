//! All themes as one list.

use super::parts::EMPTY;
use super::{
    cancel, events, invocation, irp, mdls, more_processing, one_driver, several_drivers,
    status_block,
};
use crate::script::Scenario;

/// Every scenario.
pub static SCENARIOS: &[Scenario] = &joined::<{ count(THEMES) }>(THEMES);

/// The themes, in the order of `golden.txt`.
const THEMES: &[&[Scenario]] = &[
    irp::SCENARIOS,
    one_driver::SCENARIOS,
    several_drivers::SCENARIOS,
    invocation::SCENARIOS,
    more_processing::SCENARIOS,
    cancel::SCENARIOS,
    status_block::SCENARIOS,
    events::SCENARIOS,
    mdls::SCENARIOS,
];

/// Counts the scenarios of the themes.
const fn count(themes: &[&[Scenario]]) -> usize {
    let (mut count, mut theme) = (0, 0);
    while theme < themes.len() {
        count += themes[theme].len();
        theme += 1;
    }
    count
}

/// Joins the themes to a list of `COUNT` scenarios.
const fn joined<const COUNT: usize>(themes: &[&[Scenario]]) -> [Scenario; COUNT] {
    let mut all = [EMPTY; COUNT];
    let (mut filled, mut theme) = (0, 0);
    while theme < themes.len() {
        let mut index = 0;
        while index < themes[theme].len() {
            all[filled] = themes[theme][index];
            filled += 1;
            index += 1;
        }
        theme += 1;
    }
    all
}
