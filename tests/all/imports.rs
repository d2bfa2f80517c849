//! Data flows one way: a module of `src/lib.rs` imports only from those above it in lib.rs's map.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex_lite::Regex;

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Each module's place in the map: the number of the list item that names it.
fn places() -> BTreeMap<String, usize> {
    let map = fs::read_to_string(source().join("lib.rs")).unwrap();
    let items = map.lines().filter_map(|line| line.strip_prefix("//! - "));
    let name = Regex::new(r"\[`(\w+)`\]").unwrap();
    let mut places = BTreeMap::new();
    for (place, item) in items.enumerate() {
        let names = item.split_once(':').unwrap().0;
        for found in name.captures_iter(names) {
            let before = places.insert(found[1].to_owned(), place);
            assert_eq!(before, None, "{} stands twice in lib.rs's map", &found[1]);
        }
    }
    places
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The modules of the crate that code names, comments and unit tests left out.
fn imports(code: &str) -> BTreeSet<String> {
    // Not at a `mod tests;` whose file is left out anyway: imports may stand behind it.
    let tests = Regex::new(r"#\[cfg\(test\)\]\s*mod \w+ \{").unwrap();
    let code = tests.split(code).next().unwrap_or_default();
    let code: Vec<&str> =
        code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let one = Regex::new(r"\bcrate::(\w+)").unwrap();
    let several = Regex::new(r"\bcrate::\{([^;]*)\}").unwrap();
    let item = Regex::new(r"(?:^|,)\s*(\w+)").unwrap();
    let mut found: BTreeSet<String> = one.captures_iter(&code).map(|it| it[1].to_owned()).collect();
    for list in several.captures_iter(&code) {
        // What stands in braces inside the list belongs to the module before them.
        let outer = Regex::new(r"\{[^{}]*\}").unwrap().replace_all(&list[1], "").into_owned();
        found.extend(item.captures_iter(&outer).map(|it| it[1].to_owned()));
    }
    found
}

#[test]
fn the_map_names_every_module() {
    let places = places();
    for entry in fs::read_dir(source()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        if !["lib", "bin"].contains(&module) {
            assert!(places.contains_key(module), "{module} is missing in lib.rs's map");
        }
    }
}

#[test]
fn no_module_imports_against_the_order() {
    let places = places();
    let mut all = Vec::new();
    files(&source(), &mut all);
    let mut against = Vec::new();
    for path in all {
        let inside = path.strip_prefix(source()).unwrap();
        let top = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        let Some(place) = places.get(top.trim_end_matches(".rs")) else { continue };
        for import in imports(&fs::read_to_string(&path).unwrap()) {
            let itself = top.trim_end_matches(".rs") == import;
            if !itself && places.get(&import).is_none_or(|other| other >= place) {
                against.push(format!("{} imports {import}", inside.display()));
            }
        }
    }
    assert!(against.is_empty(), "against the order in src/lib.rs:\n{}", against.join("\n"));
}

#[test]
fn imports_are_found_however_they_are_written() {
    let code = "use crate::text::cut;\nuse crate::{aws, http::{tls, url}};\n// crate::comment\n\
                #[cfg(test)]\nmod tests;\n\
                fn f() -> crate::hash::X {}\n#[cfg(test)]\nmod tests { use crate::sandbox; }";
    let found: Vec<String> = imports(code).into_iter().collect();
    assert_eq!(found, ["aws", "hash", "http", "text"]);
}
