//! Machine code, from the listing of `llvm-objdump -d -r`.

use std::collections::BTreeSet;

/// The machine code of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) bytes: usize,
    /// Without `lock`, which is listed apart.
    pub(super) instructions: usize,
    pub(super) calls: usize,
    /// The imported functions that are called.
    pub(super) called: BTreeSet<String>,
}

impl Code {
    /// Reads what the listing has of a function.
    pub(super) fn of(function: &str, listing: &str) -> Self {
        let head = format!("<{function}>:");
        let mut code = Self::default();
        let mut inside = false;
        for line in listing.lines() {
            if line.split_whitespace().nth(1) == Some(&head) {
                inside = true;
            } else if line.trim().is_empty() || (line.contains(" <") && line.ends_with(">:")) {
                inside = false;
            } else if inside {
                code.read(line);
            }
        }
        code
    }

    fn read(&mut self, line: &str) {
        if line.contains("IMAGE_REL_") {
            let symbol = line.split_whitespace().nth(2);
            if let Some(name) = symbol.and_then(|symbol| symbol.strip_prefix("__imp_")) {
                self.called.insert(name.to_owned());
            }
            return;
        }
        let mut columns = line.split('\t');
        let Some((offset, raw)) = columns.next().and_then(|column| column.split_once(':')) else {
            return;
        };
        if !offset
            .trim_start()
            .bytes()
            .all(|digit| digit.is_ascii_hexdigit())
        {
            return;
        }
        self.bytes += raw
            .split_whitespace()
            .map(|digits| digits.len() / 2)
            .sum::<usize>();
        let mnemonic = columns
            .next()
            .and_then(|column| column.split_whitespace().next());
        let mnemonic = mnemonic.unwrap_or_default();
        let operand = columns.next().unwrap_or_default();
        if mnemonic != "lock" {
            self.instructions += 1;
        }
        let is_call = mnemonic.starts_with("call") || matches!(mnemonic, "bl" | "blr");
        let is_tail_call = matches!(mnemonic, "jmp" | "jmpq") && operand.starts_with('*');
        if is_call || is_tail_call {
            self.calls += 1;
        }
    }

    /// Returns the names of the imported functions, with commas between them.
    pub(super) fn names(&self) -> String {
        if self.called.is_empty() {
            return "-".to_owned();
        }
        let names: Vec<&str> = self.called.iter().map(String::as_str).collect();
        names.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X86_64: &str = "
0000000000000000 <routine_v1>:
       0: 48 83 ec 28                  \tsubq\t$40, %rsp
       4: 80 7a 41 00                  \tcmpb\t$0, 65(%rdx)
       8: f0                           \tlock
       9: 87 41 08                     \txchgl\t%eax, 8(%rcx)
      12: ff 15 00 00 00 00            \tcallq\t*(%rip)                 # 0x18 <routine_v1+0x18>
\t\t0000000000000014:  IMAGE_REL_AMD64_REL32\t__imp_KeSetEvent
      18: 48 ff 25 00 00 00 00         \tjmpq\t*(%rip)                 # 0x1f <routine_v1+0x1f>
\t\t000000000000001b:  IMAGE_REL_AMD64_REL32\t__imp_IoFreeIrp
      1f: eb 00                        \tjmp\t0x21 <routine_v1+0x21>

Disassembly of section .text:

0000000000000000 <routine_v2>:
       0: c3                           \tretq
";

    const AARCH64: &str = "
0000000000000000 <routine_v1>:
       0: fd 7b bf a9  \tstp\tx29, x30, [sp, #-16]!
      10: 08 00 00 90  \tadrp\tx8, 0x0 <routine_v1+0x10>
\t\t0000000000000010:  IMAGE_REL_ARM64_PAGEBASE_REL21\t__imp_KeSetEvent
      24: 00 01 3f d6  \tblr\tx8
      28: 00 00 00 94  \tbl\t0x28 <routine_v1+0x28>
      30: 40 00 00 54  \tb.eq\t0x38 <routine_v1+0x38>
      34: c0 03 5f d6  \tret
0000000000000038 <routine_v2>:
      38: c0 03 5f d6  \tret
";

    #[test]
    fn prefix_is_no_instruction_and_a_jump_through_memory_is_a_call() {
        let code = Code::of("routine_v1", X86_64);
        assert_eq!((code.bytes, code.instructions, code.calls), (27, 6, 2));
        assert_eq!(code.names(), "IoFreeIrp,KeSetEvent");
    }

    #[test]
    fn branches_with_link_are_calls() {
        let code = Code::of("routine_v1", AARCH64);
        assert_eq!((code.bytes, code.instructions, code.calls), (24, 6, 2));
        assert_eq!(code.names(), "KeSetEvent");
    }

    #[test]
    fn function_ends_where_the_next_one_begins() {
        for listing in [X86_64, AARCH64] {
            let code = Code::of("routine_v2", listing);
            assert_eq!((code.instructions, code.calls), (1, 0));
            assert_eq!(code.names(), "-");
        }
        assert_eq!(Code::of("routine_v3", X86_64), Code::default());
    }
}
