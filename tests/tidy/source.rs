//! Rust sources told apart into code and comments, without a parser.

/// A source, twice: each byte that belongs to the other half is a space, so lines and columns stay.
pub(crate) struct Source {
    /// Without comments, strings and characters.
    pub(crate) code: String,
    /// Without everything else.
    pub(crate) comments: String,
}

/// A word or a punctuation mark of the code, and its line, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'s> {
    pub(crate) text: &'s str,
    pub(crate) line: usize,
}

impl Source {
    pub(crate) fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut code = text.as_bytes().to_vec();
        let mut comments = blank(bytes);
        let mut at = 0;
        while at < bytes.len() {
            let (end, comment) = literal_or_comment(bytes, at);
            if end == at {
                at += 1;
                continue;
            }
            code[at..end].copy_from_slice(&blank(&bytes[at..end]));
            if comment {
                comments[at..end].copy_from_slice(&bytes[at..end]);
            }
            at = end;
        }
        let utf8 = |bytes| String::from_utf8(bytes).expect("only whole characters are replaced");
        Self {
            code: utf8(code),
            comments: utf8(comments),
        }
    }

    /// Returns the code without the items that are compiled for tests only.
    pub(crate) fn code_without_tests(&self) -> String {
        let mut code = self.code.clone();
        for attribute in ["#[cfg(test)]", "#[cfg(all(test"] {
            while let Some(start) = code.find(attribute) {
                let end = end_of_item(&code, start + attribute.len());
                let blanked = blank(&code.as_bytes()[start..end]);
                code.replace_range(start..end, &String::from_utf8_lossy(&blanked));
            }
        }
        code
    }
}

/// Returns the tokens of code that has no literals in it.
pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            if !first.is_whitespace() {
                tokens.push(Token {
                    text: &rest[..length],
                    line: number + 1,
                });
            }
            rest = &rest[length..];
        }
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns spaces, and the line ends where they are.
fn blank(bytes: &[u8]) -> Vec<u8> {
    let space = |byte: &u8| if *byte == b'\n' { b'\n' } else { b' ' };
    bytes.iter().map(space).collect()
}

/// Returns where the item behind an attribute ends: behind its closing brace, or its semicolon.
fn end_of_item(code: &str, from: usize) -> usize {
    let mut depth = 0;
    for (offset, c) in code[from..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return from + offset + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return from + offset + 1,
            _ => {}
        }
    }
    code.len()
}

/// Returns the end of the literal or comment that begins here, or `at` if none does, and whether it
/// is a comment.
fn literal_or_comment(bytes: &[u8], at: usize) -> (usize, bool) {
    let rest = &bytes[at..];
    let word_before = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    let length = if rest.starts_with(b"//") {
        return (at + find(rest, b"\n", 0).unwrap_or(rest.len()), true);
    } else if rest.starts_with(b"/*") {
        return (at + block_comment(rest), true);
    } else if rest[0] == b'"' {
        quoted(rest, b'"')
    } else if rest[0] == b'\'' {
        character(rest)
    } else if !word_before {
        raw_string(rest)
    } else {
        0
    };
    (at + length, false)
}

fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    (from..bytes.len()).find(|&at| bytes[at..].starts_with(what))
}

fn block_comment(bytes: &[u8]) -> usize {
    let (mut at, mut depth) = (2, 1);
    while at < bytes.len() && depth > 0 {
        if bytes[at..].starts_with(b"*/") {
            (at, depth) = (at + 2, depth - 1);
        } else if bytes[at..].starts_with(b"/*") {
            (at, depth) = (at + 2, depth + 1);
        } else {
            at += 1;
        }
    }
    at
}

fn quoted(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Returns the length of a character; 0 for a lifetime.
fn character(bytes: &[u8]) -> usize {
    if bytes.get(1) == Some(&b'\\') {
        return quoted(bytes, b'\'');
    }
    let width = |byte: u8| match byte {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    };
    let end = bytes.get(1).map_or(0, |&byte| 1 + width(byte));
    if end > 0 && bytes.get(end) == Some(&b'\'') {
        end + 1
    } else {
        0
    }
}

/// Returns the length of a raw string with its prefix; 0 if it is none.
fn raw_string(bytes: &[u8]) -> usize {
    let prefix = match bytes {
        [b'b' | b'c', b'r', ..] => 2,
        [b'r', ..] => 1,
        _ => return 0,
    };
    let hashes = bytes[prefix..].iter().take_while(|&&b| b == b'#').count();
    if bytes.get(prefix + hashes) != Some(&b'"') {
        return 0;
    }
    let close: Vec<u8> = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    find(bytes, &close, prefix + hashes + 1).map_or(bytes.len(), |end| end + close.len())
}

#[test]
fn comments_and_literals_are_told_from_code() {
    let text = "a /* b /* c */ d */ 'x' '\\'' '\u{2026}' \"// e\\\"\" r#\"f\"g\"# &'h i // j\nk";
    let source = Source::new(text);
    let words: Vec<&str> = source.code.split_whitespace().collect();
    assert_eq!(words, ["a", "&'h", "i", "k"]);
    let comments: Vec<&str> = source.comments.split_whitespace().collect();
    assert_eq!(comments, ["/*", "b", "/*", "c", "*/", "d", "*/", "//", "j"]);
    assert_eq!(source.code.len(), text.len());
}

#[test]
fn items_for_tests_are_left_out() {
    let source = Source::new("a; #[cfg(test)] mod b { fn c() { d } } e; #[cfg(test)] use f; g");
    let code = source.code_without_tests();
    let words: Vec<&str> = tokens(&code).iter().map(|token| token.text).collect();
    assert_eq!(words, ["a", ";", "e", ";", "g"]);
}
