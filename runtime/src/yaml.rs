//! YAML from a user: how deep it nests is looked at before it is parsed, since the time that parsing takes grows with the square of it.

/// Lists and mappings in each other; no file of relinc needs a tenth of this.
const MOST: usize = 64;

/// Bytes of text with aliases, which repeat what they name: a few hundred kilobytes of them can come to gigabytes.
const MOST_ALIASED: usize = 16 << 10;

/// Refuses text that nests too deeply, and long text with aliases.
///
/// # Errors
/// The line where it does.
pub fn check(text: &str) -> Result<(), String> {
    if text.len() > MOST_ALIASED
        && let Some(n) = text.lines().position(aliases)
    {
        return Err(format!(
            "line {}: an alias (*) in more than {MOST_ALIASED} bytes; write out what it stands for",
            n + 1
        ));
    }
    let mut flow = 0usize;
    let mut indents: Vec<usize> = vec![];
    for (n, line) in text.lines().enumerate() {
        let mut at = line.len() - line.trim_start().len();
        let mut rest = line.trim_start();
        if rest.is_empty() || rest.starts_with('#') {
            continue;
        }
        indents.retain(|&i| i < at);
        indents.push(at);
        // Entries of lists can begin on one line: `- - - x`.
        while let Some(inner) = rest.strip_prefix(['-', '?', ':']).filter(|r| r.starts_with([' ', '\t'])) {
            at += rest.len() - inner.trim_start().len();
            rest = inner.trim_start();
            indents.push(at);
            if indents.len() > MOST {
                break;
            }
        }
        for c in rest.chars() {
            match c {
                '[' | '{' => flow += 1,
                ']' | '}' => flow = flow.saturating_sub(1),
                _ => {}
            }
            if flow + indents.len() > MOST {
                return Err(format!("line {}: lists and mappings nest more than {MOST} deep", n + 1));
            }
        }
    }
    Ok(())
}

/// May a line hold an alias: a star where a value begins?
fn aliases(line: &str) -> bool {
    let begins = |at: usize| line[..at].trim_end().chars().next_back().is_none_or(|c| ":-[{,?".contains(c));
    let names = |at: usize| line[at + 1..].starts_with(|c: char| !c.is_whitespace() && c != '*');
    line.match_indices('*').any(|(at, _)| begins(at) && names(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_with_aliases_is_refused() {
        let long = format!("x: &s \"{}\"\n", "A".repeat(MOST_ALIASED));
        assert!(check(&format!("{long}y: [*s, *s]\n")).is_err_and(|e| e.starts_with("line 2")));
        assert_eq!(check(&format!("{long}y: a*s  # *s\n")), Ok(()));
        assert_eq!(check("x: &s A\ny: [*s, *s]\n"), Ok(()));
    }

    #[test]
    fn deep_text_is_refused_by_its_line() {
        for deep in
            ["[".repeat(5000), "- ".repeat(5000) + "x", (0..99).map(|i| " ".repeat(i) + "a:\n").collect()]
        {
            let said = check(&format!("name: x\na:\n  {deep}")).expect_err("deeper than the limit");
            assert!(said.starts_with("line ") && said.contains("deep"), "{said}");
        }
    }

    #[test]
    fn long_and_flat_text_is_not() {
        let flat = "- {a: [1, 2], b: {c: 3}}\n# [[[\n".repeat(5000);
        assert_eq!(check(&format!("all:\n{flat}")), Ok(()));
    }
}
