//! Which file of a crate refers to which, by its paths that begin with `crate`, `super`, `self` or
//! a child module.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Source, Token, tokens};
use crate::tree::File;

/// A module's path from the root of its crate.
type Path = Vec<String>;

/// A reference from one file to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrow {
    pub(crate) from: String,
    pub(crate) line: usize,
    pub(crate) to: String,
}

/// A path that a module names, from the root of the crate.
struct Reference {
    path: Path,
    line: usize,
    /// It is `pub use`: whoever names it here finds it there.
    exported: bool,
}

/// What a file says about its own module.
#[derive(Default)]
struct Module {
    file: String,
    defined: BTreeSet<String>,
    /// Names that `use` brings into the module, and where from.
    names: BTreeMap<String, Path>,
    globs: Vec<Path>,
    references: Vec<Reference>,
}

/// Returns the references between the files below `source`, such as `wdm-irp/src/`, without those
/// of tests.
///
/// A re-export is followed to the file that defines the name. A parent that declares its child, or
/// exports what its child defines, does not refer to it.
pub(crate) fn arrows(files: &[File], source: &str) -> Vec<Arrow> {
    let mut modules: BTreeMap<Path, Module> = BTreeMap::new();
    let paths: Vec<(Path, &File)> = files
        .iter()
        .filter_map(|file| Some((module_path(file.path.strip_prefix(source)?)?, file)))
        .collect();
    let known: BTreeSet<Path> = paths.iter().map(|(path, _)| path.clone()).collect();
    for (path, file) in paths {
        let code = Source::new(&file.text).code_without_tests();
        let mut module = Reader::new(&path, &known).read(&tokens(&code));
        module.file.clone_from(&file.path);
        modules.insert(path, module);
    }

    let mut arrows = Vec::new();
    for (path, module) in &modules {
        for reference in &module.references {
            let to = resolve(&modules, &reference.path, 0);
            let below = to.starts_with(path) && reference.exported;
            if to != *path && !below {
                arrows.push(Arrow {
                    from: module.file.clone(),
                    line: reference.line,
                    to: modules[&to].file.clone(),
                });
            }
        }
    }
    arrows
}

/// Returns the module of a file, `None` for files of tests.
fn module_path(file: &str) -> Option<Path> {
    let name = file.strip_suffix(".rs")?;
    let mut path: Path = name.split('/').map(str::to_owned).collect();
    if path.iter().any(|part| part == "tests") {
        return None;
    }
    if path.last()? == "mod" || path == ["lib"] {
        path.pop();
    }
    Some(path)
}

/// Returns the module whose file defines what a path names.
fn resolve(modules: &BTreeMap<Path, Module>, path: &Path, depth: usize) -> Path {
    let mut at = Path::new();
    for (index, name) in path.iter().enumerate() {
        let mut child = at.clone();
        child.push(name.clone());
        if modules.contains_key(&child) {
            at = child;
            continue;
        }
        let Some(module) = modules.get(&at) else {
            break;
        };
        if module.defined.contains(name) || depth > 8 {
            break;
        }
        let rest = &path[index..];
        if let Some(target) = module.names.get(name) {
            return resolve(modules, &[target, &rest[1..]].concat(), depth + 1);
        }
        for glob in &module.globs {
            let target = resolve(modules, &[glob, rest].concat(), depth + 1);
            if modules
                .get(&target)
                .is_some_and(|module| module.defined.contains(name))
            {
                return target;
            }
        }
        break;
    }
    if modules.contains_key(&at) {
        at
    } else {
        Path::new()
    }
}

/// Reads the tokens of one file.
struct Reader<'a> {
    path: &'a Path,
    known: &'a BTreeSet<Path>,
    /// The modules that are written out in the file and are open, with the depth of their braces.
    inline: Vec<(String, usize)>,
    module: Module,
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path, known: &'a BTreeSet<Path>) -> Self {
        let module = Module::default();
        Self {
            path,
            known,
            inline: Vec::new(),
            module,
        }
    }

    fn read(mut self, tokens: &[Token<'_>]) -> Module {
        let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
        let (mut at, mut depth) = (0, 0);
        while at < tokens.len() {
            match text(at) {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    self.inline.pop_if(|(_, opened)| *opened == depth);
                }
                "mod" if text(at + 2) == "{" => {
                    self.define(text(at + 1));
                    self.inline.push((text(at + 1).to_owned(), depth));
                }
                "use" => {
                    let exported = at > 0 && matches!(text(at - 1), "pub" | ")");
                    at = self.tree(tokens, at + 1, &Path::new(), exported);
                    continue;
                }
                "struct" | "enum" | "trait" | "fn" | "const" | "static" | "type" | "union" => {
                    self.define(text(at + 1));
                }
                "macro_rules" => self.define(text(at + 2)),
                name if text(at + 1) == "::"
                    && (at == 0 || !matches!(text(at - 1), "::" | "in")) =>
                {
                    at = self.expression(tokens, at, name);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        self.module
    }

    /// Enters a name that the file defines, but for those in modules written out in it.
    fn define(&mut self, name: &str) {
        if self.inline.is_empty() {
            self.module.defined.insert(name.to_owned());
        }
    }

    /// Reads a path in an expression or a type; returns where it ends.
    fn expression(&mut self, tokens: &[Token<'_>], from: usize, first: &str) -> usize {
        let mut at = from;
        let mut written = vec![first.to_owned()];
        while tokens.get(at + 1).is_some_and(|token| token.text == "::") {
            let Some(next) = tokens.get(at + 2).filter(|token| is_name(token.text)) else {
                break;
            };
            written.push(next.text.to_owned());
            at += 2;
        }
        let path = match self.module.names.get(first) {
            Some(alias) => Some([alias.as_slice(), &written[1..]].concat()),
            None => self.absolute(&written),
        };
        self.refer(path, tokens[from].line, false);
        at + 1
    }

    /// Reads a tree of `use`; returns the place behind it.
    fn tree(
        &mut self,
        tokens: &[Token<'_>],
        mut at: usize,
        prefix: &Path,
        exported: bool,
    ) -> usize {
        let mut path = prefix.clone();
        let line = tokens.get(at).map_or(0, |token| token.line);
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token.text {
                "::" => {}
                "{" => {
                    while tokens.get(at).is_some_and(|token| token.text != "}") {
                        at = self.tree(tokens, at, &path, exported);
                    }
                    return at + 2;
                }
                "*" => {
                    let target = self.absolute(&path);
                    self.module
                        .globs
                        .extend(target.clone().filter(|_| self.inline.is_empty()));
                    self.refer(target, line, exported);
                    return at + 1;
                }
                "as" => {
                    self.bring(&path, tokens[at].text, line, exported);
                    return at + 2;
                }
                "," | ";" | "}" => {
                    let name = path.last().cloned().unwrap_or_default();
                    self.bring(&path, &name, line, exported);
                    return if token.text == "}" { at - 1 } else { at };
                }
                "self" if !path.is_empty() => {}
                name => path.push(name.to_owned()),
            }
        }
        at
    }

    /// Enters a name that `use` brings in.
    fn bring(&mut self, path: &Path, name: &str, line: usize, exported: bool) {
        let target = self.absolute(path);
        if let (Some(target), true) = (&target, self.inline.is_empty()) {
            self.module.names.insert(name.to_owned(), target.clone());
        }
        self.refer(target, line, exported);
    }

    fn refer(&mut self, path: Option<Path>, line: usize, exported: bool) {
        let reference = path.map(|path| Reference {
            path,
            line,
            exported,
        });
        self.module.references.extend(reference);
    }

    /// Returns a path from the root of the crate, `None` if it leads into another crate.
    fn absolute(&self, written: &[String]) -> Option<Path> {
        let inline = self.inline.iter().map(|(name, _)| name.clone());
        let mut at: Path = self.path.iter().cloned().chain(inline).collect();
        let mut rest = written;
        match rest.first()?.as_str() {
            "crate" => {
                at.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {}
            name => {
                let child = [at.as_slice(), &[name.to_owned()]].concat();
                self.known.contains(&child).then_some(())?;
            }
        }
        while rest.first().is_some_and(|name| name == "super") {
            at.pop();
            rest = &rest[1..];
        }
        at.extend(rest.iter().cloned());
        Some(at)
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::files;

    fn found(list: &[(&str, &str)]) -> Vec<String> {
        let arrows = arrows(&files(list), "c/");
        let show = |a: Arrow| format!("{}:{} {}", &a.from[2..], a.line, &a.to[2..]);
        arrows.into_iter().map(show).collect()
    }

    #[test]
    fn references_are_read_from_imports_and_paths() {
        let list = [
            (
                "c/lib.rs",
                "mod a;\nmod b;\nmod d;\npub use b::B;\n// crate::d::X",
            ),
            (
                "c/a.rs",
                "use core::fmt;\nuse crate::{\n    b::{self, B},\n    d,\n};",
            ),
            (
                "c/b.rs",
                "fn f() {\n    let x = \"crate::a\"; crate::d::X::new()\n}",
            ),
            (
                "c/d.rs",
                "pub struct X;\n#[cfg(test)]\nmod tests {\n    use crate::a;\n}",
            ),
        ];
        assert_eq!(
            found(&list),
            ["a.rs:3 b.rs", "a.rs:3 b.rs", "a.rs:4 d.rs", "b.rs:2 d.rs"]
        );
    }

    #[test]
    fn exports_are_followed_to_the_file_that_defines_the_name() {
        let list = [
            ("c/lib.rs", "mod a; mod b;\npub use b::X;"),
            ("c/a.rs", "use crate::X;\nuse crate::b;\nfn f() { b::Y }"),
            (
                "c/b.rs",
                "mod e; mod g;\npub use e::X;\npub(crate) use g::*;",
            ),
            ("c/b/e.rs", "pub struct X;"),
            ("c/b/g.rs", "pub struct Y;\nuse super::e::X;"),
        ];
        let expected = [
            "a.rs:1 b/e.rs",
            "a.rs:2 b.rs",
            "a.rs:3 b/g.rs",
            "b/g.rs:2 b/e.rs",
        ];
        assert_eq!(found(&list), expected);
    }

    #[test]
    fn modules_within_a_file_are_the_file() {
        let list = [
            ("c/lib.rs", "mod a;"),
            (
                "c/a.rs",
                "struct X;\nmod inner {\n    use super::X;\n    use super::super::Y;\n}",
            ),
        ];
        assert_eq!(found(&list), ["a.rs:4 lib.rs"]);
    }

    #[test]
    fn a_parent_refers_to_a_child_that_it_uses_but_not_to_one_that_it_exports() {
        let list = [
            ("c/lib.rs", "mod a;\npub use a::X;\nfn f() { a::g() }"),
            ("c/a.rs", "pub struct X;"),
        ];
        assert_eq!(found(&list), ["lib.rs:3 a.rs"]);
    }
}
