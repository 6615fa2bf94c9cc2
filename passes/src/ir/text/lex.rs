//! Tokens of `.pir`.

/// A token and the line it starts on.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub kind: Kind,
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A word or number.
    Word(String),
    /// A quoted string.
    Quoted(String),
    /// `%name`
    Value(String),
    /// `->`
    Arrow,
    /// One of `{ } ( ) [ ] , = @`
    Mark(char),
}

/// Characters a name or number may have without quotes.
pub fn plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./:+-".contains(c)
}

/// Splits text into tokens; `;` and `#` start a comment that runs to the end of the line.
pub fn lex(text: &str) -> Result<Vec<Token>, (usize, String)> {
    let mut out = vec![];
    let mut it = text.chars().peekable();
    let mut line = 1;
    while let Some(c) = it.next() {
        let kind = match c {
            '\n' => {
                line += 1;
                continue;
            }
            c if c.is_whitespace() => continue,
            '#' | ';' => {
                while it.peek().is_some_and(|&c| c != '\n') {
                    it.next();
                }
                continue;
            }
            '-' if it.peek() == Some(&'>') => {
                it.next();
                Kind::Arrow
            }
            '{' | '}' | '(' | ')' | '[' | ']' | ',' | '=' | '@' => Kind::Mark(c),
            '"' => Kind::Quoted(string(&mut it).ok_or((line, "unterminated string".to_string()))?),
            '%' => match it.next() {
                Some('"') => Kind::Value(string(&mut it).ok_or((line, "unterminated name".to_string()))?),
                Some(c) if plain(c) => Kind::Value(word(c, &mut it)),
                _ => return Err((line, "a name must follow %".into())),
            },
            c if plain(c) => Kind::Word(word(c, &mut it)),
            c => return Err((line, format!("unexpected character {c:?}"))),
        };
        out.push(Token { kind, line });
    }
    Ok(out)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn word(first: char, it: &mut Chars<'_>) -> String {
    let mut s = String::from(first);
    while let Some(&c) = it.peek().filter(|&&c| plain(c)) {
        s.push(c);
        it.next();
    }
    s
}

fn string(it: &mut Chars<'_>) -> Option<String> {
    let mut s = String::new();
    loop {
        match it.next()? {
            '"' => return Some(s),
            '\\' => s.push(it.next()?),
            c => s.push(c),
        }
    }
}
