//! What ONNX says of its operators: operands, results, element types and attributes in each operator set. The table is
//! `operators.txt`, which `tests/operators.py` writes.

use crate::proto::attribute_proto::AttributeType;
use crate::proto::tensor_proto::DataType;
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

/// What a value of a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// Elements of this type.
    Tensor(DataType),
    /// Tensors of them.
    Sequence(DataType),
}

impl Element {
    fn bit(self) -> u64 {
        match self {
            Element::Tensor(t) => 1 << t as u32,
            Element::Sequence(t) => 1 << (t as u32 + 32),
        }
    }

    fn parse(text: &str) -> Option<Element> {
        let named = |name: &str| NUMBERS.get(name).copied();
        match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            Some(inner) => named(inner).map(Element::Sequence),
            None => named(text).map(Element::Tensor),
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Element::Tensor(t) => f.write_str(&t.as_str_name().to_lowercase()),
            Element::Sequence(t) => write!(f, "a sequence of {}", t.as_str_name().to_lowercase()),
        }
    }
}

/// A set of types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Types(u64);

impl Types {
    /// Is it among them? A set without types that are followed refuses none.
    pub fn has(self, element: Element) -> bool {
        self.0 == 0 || self.0 & element.bit() != 0
    }

    fn each(self) -> impl Iterator<Item = Element> {
        let types = NUMBERED.iter().copied();
        let both = types.clone().map(Element::Tensor).chain(types.map(Element::Sequence));
        both.filter(move |&e| self.has(e))
    }

    /// The one that they are, where they are one.
    pub fn only(self) -> Option<Element> {
        let mut all = self.each();
        all.next().filter(|_| all.next().is_none())
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.each().map(|e| e.to_string()).collect();
        match &names[..] {
            [most @ .., last] if !most.is_empty() => write!(f, "{} or {last}", most.join(", ")),
            _ => f.write_str(&names.concat()),
        }
    }
}

/// What an operand or a result holds.
#[derive(Debug, Clone, Copy)]
pub enum Holds {
    /// What the variable of this name stands for.
    Variable(&'static str),
    /// Always this.
    Type(Element),
    /// Something that is not followed.
    Any,
}

/// How often an operand or result occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Once.
    One,
    /// Once, or it is left out.
    Optional,
    /// So often at least, all of one type where they are `alike`.
    Many { least: usize, alike: bool },
}

/// An operand or a result.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// What it holds.
    pub holds: Holds,
    /// How often it occurs.
    pub count: Count,
}

/// An attribute.
#[derive(Debug, Clone, Copy)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: AttributeType,
    /// No node goes without it.
    pub required: bool,
}

/// An operator as of one operator set.
#[derive(Debug)]
pub struct Operator {
    /// The first operator set it is so in.
    pub since: i64,
    /// It is no longer one.
    pub withdrawn: bool,
    /// What it reads.
    pub operands: Vec<Parameter>,
    /// What it makes.
    pub results: Vec<Parameter>,
    /// Type variables and what they can be.
    pub variables: Vec<(&'static str, Types)>,
    /// Sorted by name.
    pub attributes: Vec<Attribute>,
}

impl Operator {
    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }

    /// What a variable can be.
    pub fn types(&self, variable: &str) -> Option<Types> {
        self.variables.iter().find(|(name, _)| *name == variable).map(|(_, types)| *types)
    }
}

const TABLE: &str = include_str!("operators.txt");

/// Element types that are known, in the order of their numbers.
static NUMBERED: LazyLock<Vec<DataType>> =
    LazyLock::new(|| (1..32).filter_map(|n| DataType::try_from(n).ok()).collect());
static NUMBERS: LazyLock<HashMap<String, DataType>> =
    LazyLock::new(|| NUMBERED.iter().map(|t| (t.as_str_name().to_lowercase(), *t)).collect());
static OPERATORS: LazyLock<HashMap<&'static str, Vec<Operator>>> = LazyLock::new(|| {
    let mut all: HashMap<&str, Vec<Operator>> = HashMap::new();
    let sets: HashMap<&str, Types> = TABLE.lines().filter_map(set).collect();
    for (name, operator) in TABLE.lines().filter_map(|l| operator(l, &sets)) {
        all.entry(name).or_default().push(operator);
    }
    all
});

/// Every version of an operator of ONNX's own, oldest first; none where there is no such operator.
pub fn versions(name: &str) -> &'static [Operator] {
    OPERATORS.get(name).map_or(&[], Vec::as_slice)
}

fn set(line: &'static str) -> Option<(&'static str, Types)> {
    let mut words = line.strip_prefix("set ")?.split(' ');
    let number = words.next()?;
    Some((number, Types(words.filter_map(Element::parse).fold(0, |bits, e| bits | e.bit()))))
}

fn operator(line: &'static str, sets: &HashMap<&str, Types>) -> Option<(&'static str, Operator)> {
    let (head, rest) = line.split_once(" |")?;
    let (name, since) = head.split_once(' ')?;
    let since = since.parse().ok()?;
    let mut new = Operator {
        since,
        withdrawn: rest == " deprecated",
        operands: vec![],
        results: vec![],
        variables: vec![],
        attributes: vec![],
    };
    if new.withdrawn {
        return Some((name, new));
    }
    let columns: Vec<Vec<&str>> = rest.split('|').map(|c| c.split_whitespace().collect()).collect();
    let [operands, results, variables, attributes] = <[Vec<&str>; 4]>::try_from(columns).ok()?;
    new.operands = operands.into_iter().map(parameter).collect::<Option<_>>()?;
    new.results = results.into_iter().map(parameter).collect::<Option<_>>()?;
    let variable = |v: &'static str| v.split_once('=').and_then(|(v, n)| Some((v, *sets.get(n)?)));
    new.variables = variables.into_iter().map(variable).collect::<Option<_>>()?;
    new.attributes = attributes.into_iter().map(attribute).collect::<Option<_>>()?;
    Some((name, new))
}

fn parameter(text: &'static str) -> Option<Parameter> {
    let (name, count) = match text.find(['?', '*', '~']) {
        None => (text, Count::One),
        Some(at) if text[at..] == *"?" => (&text[..at], Count::Optional),
        Some(at) => {
            let alike = text[at..].starts_with('*');
            (&text[..at], Count::Many { least: text[at + 1..].parse().ok()?, alike })
        }
    };
    let holds = match Element::parse(name) {
        Some(element) => Holds::Type(element),
        None if name == "any" => Holds::Any,
        None => Holds::Variable(name),
    };
    Some(Parameter { holds, count })
}

fn attribute(text: &'static str) -> Option<Attribute> {
    let (name, kind) = text.split_once(':')?;
    let (kind, required) = kind.strip_suffix('!').map_or((kind, false), |kind| (kind, true));
    let kind = match kind {
        "float" => AttributeType::Float,
        "int" => AttributeType::Int,
        "word" => AttributeType::String,
        "tensor" => AttributeType::Tensor,
        "graph" => AttributeType::Graph,
        "floats" => AttributeType::Floats,
        "ints" => AttributeType::Ints,
        "words" => AttributeType::Strings,
        "sparse" => AttributeType::SparseTensor,
        "type" => AttributeType::TypeProto,
        _ => return None,
    };
    Some(Attribute { name, kind, required })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read() {
        let lines = TABLE.lines().filter(|l| !l.starts_with('#') && !l.starts_with("set ")).count();
        let read: usize = OPERATORS.values().map(Vec::len).sum();
        assert_eq!(lines, read);
        assert!(lines > 500);
        assert!(OPERATORS.values().all(|v| v.is_sorted_by_key(|o| o.since)));
    }

    #[test]
    fn every_variable_has_types() {
        for (name, versions) in OPERATORS.iter() {
            for o in versions {
                for p in o.operands.iter().chain(&o.results) {
                    if let Holds::Variable(v) = p.holds {
                        assert!(o.types(v).is_some(), "{name} {}: {v}", o.since);
                    }
                }
            }
        }
    }
}
