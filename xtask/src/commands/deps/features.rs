//! Sets of features.

use serde_json::Value;

/// Returns the features of a package, as `cargo metadata` lists them, without `default`.
pub(super) fn of(package: &Value) -> Vec<&str> {
    let features = package["features"].as_object().into_iter().flatten();
    features
        .map(|(name, _)| name.as_str())
        .filter(|name| *name != "default")
        .collect()
}

/// Returns every set of the features, each with commas between them.
pub(super) fn powerset(features: &[&str]) -> Vec<String> {
    let mut sets = vec![String::new()];
    for feature in features {
        let larger: Vec<String> = sets
            .iter()
            .map(|set| {
                if set.is_empty() {
                    (*feature).to_owned()
                } else {
                    format!("{set},{feature}")
                }
            })
            .collect();
        sets.extend(larger);
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powerset_has_each_set_once() {
        assert_eq!(powerset(&[]), [""]);
        assert_eq!(powerset(&["a"]), ["", "a"]);
        let sets = ["", "a", "b", "a,b", "c", "a,c", "b,c", "a,b,c"];
        assert_eq!(powerset(&["a", "b", "c"]), sets);
    }

    #[test]
    fn features_are_those_of_the_manifest_but_for_the_default_ones() {
        let package =
            r#"{ "features": { "alloc": [], "default": ["macros"], "macros": ["dep:m"] } }"#;
        let package: Value = serde_json::from_str(package).expect("JSON");
        assert_eq!(of(&package), ["alloc", "macros"]);
        assert!(of(&Value::Null).is_empty());
    }
}
