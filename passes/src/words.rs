//! Enums whose variants are words of the command line, of files and of reports.

/// Makes an enum of words: `ALL`, `name` and `Display`, and with a name for it in errors also `FromStr`.
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* pub enum $name:ident $(($what:literal))? { $($(#[$each:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        pub enum $name { $($(#[$each])* $variant,)* }

        impl $name {
            /// Every one.
            pub const ALL: [$name; [$($word),*].len()] = [$($name::$variant),*];

            /// The word for it.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        $(impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(s: &str) -> Result<$name, String> {
                let unknown = || $crate::words::unknown($what, s, &$name::ALL.map($name::name));
                $name::ALL.into_iter().find(|v| v.name() == s).ok_or_else(unknown)
            }
        })?
    };
}

/// `split 'tst' is not known; choose train, val or test`.
pub fn unknown(what: &str, found: &str, known: &[&str]) -> String {
    let (last, others) = known.split_last().map_or(("", known), |(l, o)| (*l, o));
    format!("{what} '{found}' is not known; choose {} or {last}", others.join(", "))
}
