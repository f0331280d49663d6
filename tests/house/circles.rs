//! Circles: modules of one parent that use each other.

use crate::{
    all,
    uses::{House, Module},
};
use std::collections::{BTreeMap, BTreeSet};

/// By parent and pair of siblings, of which the first uses the second: the module that does, and what it names.
type Arrows = BTreeMap<Module, BTreeMap<(String, String), String>>;

/// The arrows between siblings, at every level. A parent and its children are no siblings.
fn arrows(house: &House) -> Arrows {
    let mut arrows = Arrows::new();
    for (module, uses) in &house.0 {
        for path in &uses.paths {
            let Some(used) = house.home(module, path) else {
                continue;
            };
            let common = module.iter().zip(&used).take_while(|(a, b)| a == b).count();
            if let (Some(from), Some(to)) = (module.get(common), used.get(common)) {
                arrows
                    .entry(module[..common].to_vec())
                    .or_default()
                    .entry((from.clone(), to.clone()))
                    .or_insert_with(|| format!("{}: {}", module.join("/"), path.join("::")));
            }
        }
    }
    arrows
}

/// Siblings that a sibling uses, itself or through others.
fn reached<'a>(arrows: &'a BTreeMap<(String, String), String>, from: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        for (_, to) in arrows.keys().filter(|(from, _)| from == next) {
            if found.insert(to.as_str()) {
                open.push(to);
            }
        }
    }
    found
}

/// Every arrow that is part of a circle.
fn circles(house: &House) -> Vec<String> {
    let mut found = Vec::new();
    for (parent, arrows) in &arrows(house) {
        for ((from, to), evidence) in arrows {
            if reached(arrows, to).contains(from.as_str()) {
                let parent = parent.join("/");
                found.push(format!("{parent}: {from} uses {to} ({evidence})"));
            }
        }
    }
    found
}

#[test]
fn siblings_do_not_use_each_other() {
    let circles = circles(&House::new(&all()));
    assert!(circles.is_empty(), "in circles:\n{}", circles.join("\n"));
}

/// Circles among files of one folder.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let owned: Vec<_> = (files.iter())
        .map(|&(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    circles(&House::new(&owned))
}

#[test]
fn a_circle_is_found_whatever_its_paths_look_like() {
    let ways = [
        "use super::b;",
        "use super::b::{self, X};",
        "use crate::{a::{self, b::X}, other};",
        "fn f() -> super::b::X { todo!() }",
        "fn f() { println!(\"{}\", crate::a::b::X) }",
        "use super::X;",
    ];
    for way in ways {
        for back in ["use super::c::Y;", "use super::d;"] {
            let files = [
                ("a.rs", "mod b; mod c; mod d; pub use b::X;"),
                ("a/b.rs", back),
                ("a/c.rs", way),
                ("a/d/e.rs", "use crate::a::c::Y;"),
                ("a/d.rs", "mod e;"),
                ("other.rs", ""),
            ];
            assert!(!circles_of(&files).is_empty(), "{way} {back}");
        }
    }
}

#[test]
fn what_goes_one_way_is_no_circle() {
    let ways = [
        "// super::b::X\nconst TEXT: &str = \"super::b::X\";",
        "#[cfg(test)]\nmod tests { use super::super::b::X; }",
        "#[cfg(test)]\nuse super::b::X;\nuse super::Z;",
        "/// [`super::b::X`]\nuse super::d;",
    ];
    for way in ways {
        let files = [
            ("a.rs", "mod b; mod c; mod d; pub use b::X; struct Z;"),
            ("a/b.rs", "use super::{c::Y, d};"),
            ("a/c.rs", way),
            ("a/d.rs", ""),
        ];
        assert_eq!(circles_of(&files), [""; 0], "{way}");
    }
}
