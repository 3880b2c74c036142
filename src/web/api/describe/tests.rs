use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Method and path of all operations, with the placeholders' names taken off.
fn described() -> BTreeSet<String> {
    let paths = DESCRIPTION["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase());
            methods.map(|method| format!("{method} {}", without_names(path))).collect::<Vec<_>>()
        })
        .collect()
}

fn without_names(path: &str) -> String {
    let segment = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[test]
fn what_is_described_is_what_the_documentation_lists() {
    let rows = include_str!("../../../../docs/api.md").lines().filter_map(|line| {
        let cell = line.strip_prefix("| ")?.split(" | ").next()?;
        let (methods, path) = cell.split_once(" `")?;
        Some((methods.to_owned(), path.trim_end_matches('`').to_owned()))
    });
    let rows = rows.filter(|(_, path)| path.starts_with("/api/"));
    let documented: BTreeSet<String> = rows
        .flat_map(|(methods, path)| {
            let methods = methods.split(", ").map(str::to_owned).collect::<Vec<_>>();
            methods.into_iter().map(move |method| format!("{method} {}", without_names(&path)))
        })
        .collect();
    assert_eq!(described(), documented);
}

#[test]
fn every_operation_has_a_name_of_its_own_and_a_sentence() {
    let mut names = BTreeMap::<String, usize>::new();
    for (path, item) in DESCRIPTION["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            *names.entry(operation["operationId"].to_string()).or_default() += 1;
            assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 5), "{method} {path}");
        }
    }
    assert!(names.values().all(|count| *count == 1), "{names:?}");
}

#[test]
fn every_form_that_is_named_is_there() {
    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    references(&DESCRIPTION, &mut found);
    assert!(found.len() > 10);
    for reference in found {
        assert!(DESCRIPTION.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}
