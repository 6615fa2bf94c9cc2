//! `.pir` → graph.

use super::lex::{Kind, Token, lex};
use super::literal::{Literal, build};
use crate::ir::graph::{Graph, NodeId};
use crate::ir::infer::infer;
use crate::ir::op::{Attr, Op};
use crate::ir::shape::{Dim, Type};
use crate::ir::tensor::DType;
use std::collections::HashMap;
use std::sync::Arc;

/// What is wrong with a `.pir` text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ParseError {
    /// 1-based line.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// Parses one graph. Written types are checked against inference.
pub fn parse(text: &str) -> Result<Graph, ParseError> {
    let tokens = lex(text).map_err(|(line, message)| ParseError { line, message })?;
    let mut p = Parser { tokens, at: 0, g: Graph::default(), values: HashMap::new(), types: vec![] };
    p.graph()?;
    if let Some(t) = p.tokens.get(p.at) {
        return Err(ParseError { line: t.line, message: "text after the graph".into() });
    }
    let facts = infer(&p.g).map_err(|e| ParseError {
        line: 0,
        message: e.iter().map(|e| e.to_string()).collect::<Vec<_>>().join("; "),
    })?;
    for (id, ty, line) in &p.types {
        if facts.ty(*id) != ty {
            let message = format!("%{} is {}, not {ty}", p.g.node(*id).name, facts.ty(*id));
            return Err(ParseError { line: *line, message });
        }
    }
    Ok(p.g)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    g: Graph,
    values: HashMap<String, NodeId>,
    types: Vec<(NodeId, Type, usize)>,
}

type R<T> = Result<T, ParseError>;

impl Parser {
    fn line(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |t| t.line)
    }
    fn err<T>(&self, message: impl Into<String>) -> R<T> {
        Err(ParseError { line: self.line(), message: message.into() })
    }
    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|t| &t.kind)
    }
    fn is(&self, c: char) -> bool {
        self.peek() == Some(&Kind::Mark(c))
    }
    fn take(&mut self, c: char) -> bool {
        let hit = self.is(c);
        self.at += hit as usize;
        hit
    }
    fn expect(&mut self, c: char) -> R<()> {
        if self.take(c) { Ok(()) } else { self.err(format!("expected {c:?}")) }
    }
    fn word(&mut self) -> R<String> {
        match self.peek() {
            Some(Kind::Word(w) | Kind::Quoted(w)) => {
                let w = w.clone();
                self.at += 1;
                Ok(w)
            }
            _ => self.err("expected a word"),
        }
    }
    fn keyword(&mut self, k: &str) -> R<()> {
        if self.word()? == k { Ok(()) } else { self.err(format!("expected {k}")) }
    }
    fn value(&mut self) -> R<NodeId> {
        match self.peek() {
            Some(Kind::Value(v)) => match self.values.get(v) {
                Some(&id) => {
                    self.at += 1;
                    Ok(id)
                }
                None => self.err(format!("%{v} is not defined above")),
            },
            _ => self.err("expected a value"),
        }
    }

    fn graph(&mut self) -> R<()> {
        self.keyword("graph")?;
        self.g.name = self.word()?;
        self.expect('{')?;
        while !self.take('}') {
            match self.peek() {
                Some(Kind::Value(v)) => {
                    let name = v.clone();
                    self.at += 1;
                    self.expect('=')?;
                    self.definition(name)?;
                }
                Some(Kind::Word(w)) if w == "output" => {
                    self.at += 1;
                    let name = self.word()?;
                    self.expect('=')?;
                    let v = self.value()?;
                    if self.g.outputs().iter().any(|o| o.name == name) {
                        return self.err(format!("output {name:?} is named twice"));
                    }
                    self.g.add_output(name, v);
                }
                _ => return self.err("expected a definition, an output or }"),
            }
        }
        Ok(())
    }

    fn definition(&mut self, name: String) -> R<()> {
        if self.values.contains_key(&name) {
            return self.err(format!("%{name} is defined twice"));
        }
        let mnemonic = self.word()?;
        let id = match mnemonic.as_str() {
            "input" => {
                let t = self.ty()?;
                self.g.add(&name, Op::Input(t), &[])
            }
            "const" => {
                let t = self.ty()?;
                let shape = t.dims.iter().map(|d| d.fixed()).collect::<Option<Vec<_>>>();
                let Some(shape) = shape else { return self.err("a constant cannot depend on the batch") };
                let lit = self.literal()?;
                let t = build(t.dtype, shape, &lit).or_else(|e| self.err(e))?;
                self.g.add(&name, Op::Const(Arc::new(t)), &[])
            }
            _ => self.operation(&name, &mnemonic)?,
        };
        self.values.insert(name, id);
        Ok(())
    }

    fn operation(&mut self, name: &str, mnemonic: &str) -> R<NodeId> {
        let line = self.line();
        self.expect('(')?;
        let (mut operands, mut names) = (vec![], vec![]);
        while !self.take(')') {
            if let Some(Kind::Word(name)) = self.peek() {
                names.push(name.clone());
                self.at += 1;
                self.expect('=')?;
            }
            operands.push(self.value()?);
            if !self.is(')') {
                self.expect(',')?;
            }
        }
        let mut attrs = vec![];
        if self.take('{') {
            while !self.take('}') {
                let k = self.word()?;
                self.expect('=')?;
                attrs.push((k, self.attr()?));
                if !self.is('}') {
                    self.expect(',')?;
                }
            }
        }
        let op = Op::from_parts(mnemonic, &names, &attrs).map_err(|message| ParseError { line, message })?;
        let id = self.g.add(name, op, &operands);
        if self.take('@') {
            let l = self.word()?;
            self.g.set_layer(id, Some(l));
        }
        if self.peek() == Some(&Kind::Arrow) {
            self.at += 1;
            let t = self.ty()?;
            self.types.push((id, t, line));
        }
        Ok(id)
    }

    fn ty(&mut self) -> R<Type> {
        let w = self.word()?;
        let Some(dtype) = DType::parse(&w) else { return self.err(format!("{w} is no element type")) };
        self.expect('[')?;
        let mut dims = vec![];
        while !self.take(']') {
            let w = self.word()?;
            dims.push(self.dim(&w)?);
            if !self.is(']') {
                self.expect(',')?;
            }
        }
        Ok(Type { dtype, dims })
    }

    fn dim(&self, w: &str) -> R<Dim> {
        if w == "N" {
            return Ok(Dim::Batch);
        }
        w.parse().map(Dim::Fixed).or_else(|_| self.err(format!("{w} is no dimension")))
    }

    fn words(&mut self) -> R<Vec<String>> {
        self.expect('[')?;
        let mut v = vec![];
        while !self.take(']') {
            v.push(self.word()?);
            if !self.is(']') {
                self.expect(',')?;
            }
        }
        Ok(v)
    }

    fn attr(&mut self) -> R<Attr> {
        if self.is('[') {
            let words = self.words()?;
            if let Ok(v) = words.iter().map(|w| w.parse()).collect::<Result<Vec<i64>, _>>() {
                return Ok(Attr::Ints(v));
            }
            return Ok(Attr::Dims(words.iter().map(|w| self.dim(w)).collect::<R<_>>()?));
        }
        let w = self.word()?;
        Ok(match w.as_str() {
            "true" => Attr::Bool(true),
            "false" => Attr::Bool(false),
            _ => match (w.parse::<i64>(), w.parse::<f32>()) {
                (Ok(i), _) => Attr::Int(i),
                (_, Ok(f)) => Attr::Float(f),
                _ => Attr::Word(w),
            },
        })
    }

    fn literal(&mut self) -> R<Literal> {
        if self.is('[') {
            return Ok(Literal::List(self.words()?));
        }
        let w = self.word()?;
        match w.as_str() {
            "iota" => Ok(Literal::Iota),
            "opaque" => self.err("an opaque constant cannot be parsed: print with full constants"),
            "splat" | "hex" => {
                self.expect('(')?;
                let v = self.word()?;
                self.expect(')')?;
                Ok(if w == "splat" { Literal::Splat(v) } else { Literal::Hex(v) })
            }
            "rand" => {
                let (mut seed, mut scale, mut density) = (0, 1.0, 0.5);
                self.expect('(')?;
                while !self.take(')') {
                    let k = self.word()?;
                    self.expect('=')?;
                    let v = self.word()?;
                    let ok = match k.as_str() {
                        "seed" => v.parse().map(|x| seed = x).is_ok(),
                        "scale" => v.parse().map(|x| scale = x).is_ok(),
                        "density" => v.parse().map(|x| density = x).is_ok(),
                        _ => false,
                    };
                    if !ok {
                        return self.err(format!("rand has no such parameter: {k}={v}"));
                    }
                    if !self.is(')') {
                        self.expect(',')?;
                    }
                }
                Ok(Literal::Rand { seed, scale, density })
            }
            _ => self.err(format!("unknown constant form {w}")),
        }
    }
}
