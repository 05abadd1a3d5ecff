//! Unwinding tables, from the listing of `llvm-readobj --unwind`.

/// What the unwinding tables say of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unwind {
    /// Its entries.
    pub(super) entries: usize,
    /// The entries that have a handler.
    pub(super) handlers: usize,
    /// The bytes of stack that its prologue takes.
    pub(super) stack: usize,
}

/// The words of a listing that speak of a handler.
const HANDLER: &[&str] = &[
    "ExceptionHandler",
    "Handler [",
    "HandlerRVA",
    "ExceptionData: Yes",
];

impl Unwind {
    /// Reads what the listing has of a function.
    pub(super) fn of(function: &str, listing: &str) -> Self {
        let mut unwind = Self::default();
        let (mut is_inside, mut in_prologue, mut is_framed) = (false, false, false);
        for line in listing.lines() {
            let mut words = line.split_whitespace();
            let first = words.next().unwrap_or_default();
            let second = words.next().unwrap_or_default();
            if line.trim_start().starts_with("RuntimeFunction {") {
                is_inside = false;
            }
            if first == "StartAddress:" || first == "Function:" {
                is_inside = second == function;
                unwind.entries += usize::from(is_inside);
            }
            if !is_inside {
                continue;
            }
            if HANDLER.iter().any(|word| line.contains(word)) {
                unwind.handlers += 1;
            }
            // x86_64 has a list of codes.
            if line.contains("ALLOC_SMALL size=") || line.contains("ALLOC_LARGE size=") {
                unwind.stack += number_after(line, "size=").unwrap_or_default();
                continue;
            }
            if line.contains("PUSH_NONVOL") {
                unwind.stack += 8;
                continue;
            }
            // aarch64 has the size of the frame where it fits, else the prologue's instructions.
            if line.contains("Prologue [") {
                in_prologue = true;
            } else if (line.contains("Epilogue") || line.ends_with(']')) && !line.contains("sp") {
                in_prologue = false;
            }
            if first == "FrameSize:" {
                unwind.stack = second.parse().unwrap_or_default();
                is_framed = true;
            }
            if in_prologue && !is_framed {
                let taken = number_after(line, "sub sp, #").or(number_after(line, "[sp, #-"));
                unwind.stack += taken.unwrap_or_default();
            }
        }
        unwind
    }
}

/// Returns the number that follows a text, if the text is there.
fn number_after(line: &str, text: &str) -> Option<usize> {
    let rest = &line[line.find(text)? + text.len()..];
    let end = rest
        .find(|digit: char| !digit.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const X86_64: &str = "
  RuntimeFunction {
    StartAddress: routine_v1 (0x0)
    EndAddress: routine_v1 +0x22 (0x4)
    UnwindInfo {
      Flags [ (0x0)
      ]
      UnwindCodes [
        0x04: ALLOC_SMALL size=40
        0x02: PUSH_NONVOL reg=RBX
      ]
    }
  }
  RuntimeFunction {
    StartAddress: routine_v2 (0x0)
    UnwindInfo {
      Flags [ (0x1)
        ExceptionHandler (0x1)
      ]
      UnwindCodes [
        0x07: ALLOC_LARGE size=4096
      ]
      Handler: __C_specific_handler
    }
  }
  RuntimeFunction {
    StartAddress: routine_v1 (0x0)
  }
";

    const AARCH64: &str = "
  RuntimeFunction {
    Function: routine_v1 (0x0)
    FrameSize: 16
    Prologue [
      mov x29, sp
      stp x29, lr, [sp, #-16]!
      end
    ]
  }
  RuntimeFunction {
    Function: measured_v1_read (0x0)
    ExceptionData {
      ExceptionData: No
      Prologue [
        0xe20a              ; add fp, sp, #80
        0xd205              ; str x19, [sp, #-32]!
        0x04                ; sub sp, #64
        0xe4                ; end
      ]
      EpilogueScopes [
        0x04                ; sub sp, #64
      ]
    }
  }
  RuntimeFunction {
    Function: handled (0x0)
    ExceptionData {
      ExceptionData: Yes
    }
  }
";

    #[test]
    fn codes_of_x86_64_are_added_up() {
        let v1 = Unwind {
            entries: 2,
            handlers: 0,
            stack: 48,
        };
        assert_eq!(Unwind::of("routine_v1", X86_64), v1);
        let v2 = Unwind {
            entries: 1,
            handlers: 1,
            stack: 4096,
        };
        assert_eq!(Unwind::of("routine_v2", X86_64), v2);
        assert_eq!(Unwind::of("routine", X86_64), Unwind::default());
    }

    #[test]
    fn frame_of_aarch64_is_its_size_or_its_prologue() {
        let v1 = Unwind {
            entries: 1,
            handlers: 0,
            stack: 16,
        };
        assert_eq!(Unwind::of("routine_v1", AARCH64), v1);
        let read = Unwind {
            entries: 1,
            handlers: 0,
            stack: 96,
        };
        assert_eq!(Unwind::of("measured_v1_read", AARCH64), read);
        assert_eq!(Unwind::of("handled", AARCH64).handlers, 1);
    }
}
