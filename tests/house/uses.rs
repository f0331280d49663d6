//! What the modules of `src` name of each other, read from their tokens; test code is left out.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::BTreeMap;

/// A module by the names of those it stands in, from the crate's root: `[sae, forward]`.
pub(crate) type Module = Vec<String>;

/// What a module names.
#[derive(Default)]
pub(crate) struct Uses {
    /// Every path of two segments or more, with the groups of its `use` taken apart.
    pub(crate) paths: Vec<Module>,
    /// Paths by the names that `use` gives them.
    pub(crate) names: BTreeMap<String, Module>,
}

/// The uses of every module.
pub(crate) struct House(pub(crate) BTreeMap<Module, Uses>);

impl House {
    /// Of the files of `src`: their paths and texts.
    pub(crate) fn new(files: &[(String, String)]) -> Self {
        let mut house = Self(BTreeMap::new());
        for (file, text) in files {
            let tokens: TokenStream = text.parse().unwrap_or_else(|e| panic!("{file}: {e:?}"));
            let path = file.trim_end_matches(".rs").split('/').map(str::to_owned);
            let module = path.filter(|name| name != "lib").collect();
            house.read(&module, tokens);
        }
        house
    }

    /// Adds what these tokens of a module name.
    fn read(&mut self, module: &Module, tokens: TokenStream) {
        self.0.entry(module.clone()).or_default();
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            let rest = &tokens[at..];
            at += match rest {
                [first, TokenTree::Group(attribute), ..]
                    if is(first, "#") && is_test(&attribute.stream()) =>
                {
                    item_length(rest)
                }
                [first, name, TokenTree::Group(body), ..] if is(first, "mod") => {
                    let inner = [&module[..], &[name.to_string()]].concat();
                    self.read(&inner, body.stream());
                    3
                }
                [first, ..] if is(first, "use") => {
                    let uses = self.0.entry(module.clone()).or_default();
                    1 + take_use(&rest[1..], &[], uses)
                }
                [TokenTree::Group(group), ..] => {
                    self.read(module, group.stream());
                    1
                }
                _ => {
                    let (path, length) = take_path(rest);
                    if path.len() > 1 {
                        self.0.entry(module.clone()).or_default().paths.push(path);
                    }
                    length
                }
            };
        }
    }

    /// The module in which the item stands that a path of `from` names, `use` by `use`; none where it is of another crate.
    pub(crate) fn home(&self, from: &Module, path: &[String]) -> Option<Module> {
        let up = path.iter().take_while(|name| *name == "super").count();
        let (module, rest) = match path.first()?.as_str() {
            "crate" => (Module::new(), &path[1..]),
            "self" => (from.clone(), &path[1..]),
            "super" => (from[..from.len() - up].to_vec(), &path[up..]),
            name => {
                let child = [&from[..], &[name.to_owned()]].concat();
                self.0.get(&child)?;
                (child, &path[1..])
            }
        };
        self.inside(module, rest)
    }

    fn inside(&self, module: Module, path: &[String]) -> Option<Module> {
        let Some((name, rest)) = path.split_first() else {
            return Some(module);
        };
        let child = [&module[..], std::slice::from_ref(name)].concat();
        if self.0.contains_key(&child) {
            return self.inside(child, rest);
        }
        let uses = self.0.get(&module);
        match uses.and_then(|uses| uses.names.get(name)) {
            Some(path) => self.home(&module, &[path, rest].concat()),
            None => Some(module),
        }
    }
}

fn is(token: &TokenTree, text: &str) -> bool {
    match token {
        TokenTree::Ident(name) => name == text,
        TokenTree::Punct(sign) => text.len() == 1 && text.starts_with(sign.as_char()),
        TokenTree::Group(_) | TokenTree::Literal(_) => false,
    }
}

/// Whether an attribute is `cfg(test)`, or another `cfg` that holds in tests only.
fn is_test(attribute: &TokenStream) -> bool {
    let text = attribute.to_string().replace(' ', "");
    text.starts_with("cfg(test)") || text.starts_with("cfg(all(test")
}

/// Tokens of an item with its attributes: up to its block or semicolon.
fn item_length(tokens: &[TokenTree]) -> usize {
    let end = tokens.iter().position(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => is(other, ";"),
    });
    end.map_or(tokens.len(), |end| end + 1)
}

/// The path that tokens begin with, if they do, and how many tokens it has, at least one.
fn take_path(tokens: &[TokenTree]) -> (Module, usize) {
    let mut path = Module::new();
    let mut at = 0;
    while let Some(TokenTree::Ident(name)) = tokens.get(at) {
        path.push(name.to_string());
        at += 1;
        match &tokens[at..] {
            [a, b, TokenTree::Ident(_), ..] if is(a, ":") && is(b, ":") => at += 2,
            _ => break,
        }
    }
    (path, at.max(1))
}

/// Adds the paths of a tree of `use` below `before`; how many tokens it has.
fn take_use(tokens: &[TokenTree], before: &[String], uses: &mut Uses) -> usize {
    let (path, mut at) = take_path(tokens);
    if path.is_empty() {
        at = 0;
    }
    let mut path = [before, &path].concat();
    if tokens.get(at).is_some_and(|token| is(token, ":")) {
        at += 2;
    }
    match tokens.get(at) {
        Some(TokenTree::Group(group)) => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            for tree in inner.split(|token| is(token, ",")) {
                if !tree.is_empty() {
                    take_use(tree, &path, uses);
                }
            }
            return at + 1;
        }
        Some(token) if is(token, "*") => at += 1,
        _ => {
            if path.last().is_some_and(|name| name == "self") {
                path.pop();
            }
            let mut name = path.last().cloned().unwrap_or_default();
            if tokens.get(at).is_some_and(|token| is(token, "as")) {
                name = tokens[at + 1].to_string();
                at += 2;
            }
            uses.names.insert(name, path.clone());
        }
    }
    uses.paths.push(path);
    at
}
