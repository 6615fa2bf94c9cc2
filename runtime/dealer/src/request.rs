//! Requests: JSON as SPU's parties send it, checked before anything is computed.

use crate::limits::Limits;
use crate::wire::{Body, Kind};

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read, or asks for what cannot be.
    #[error("{0}")]
    Request(String),
    /// A seed was not encrypted for this dealer's key.
    #[error(
        "seed {seed} of operand {operand} was not encrypted for this dealer's key; give the parties the dealer's public key"
    )]
    Seed {
        /// Which operand, from 0.
        operand: usize,
        /// Whose seed, from 0.
        seed: usize,
    },
}

impl Refusal {
    /// SPU's number of it.
    pub fn code(&self) -> u8 {
        match self {
            Refusal::Request(_) => 1,
            Refusal::Seed { .. } => 2,
        }
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Request(why.into()))
}

/// What is computed of the sums r0, r1, r2 of the parties' arrays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// r0·r1 − r2.
    Mul,
    /// The product of the parties' first arrays, minus r1.
    MulPriv,
    /// r0² − r1.
    Square,
    /// The product of matrices `[m, k]` and `[k, n]`, minus r2.
    Dot {
        /// Rows of the result.
        m: usize,
        /// Columns of the result.
        n: usize,
        /// Length of the sums.
        k: usize,
        /// Which of the factors are stored transposed.
        transposed: [bool; 2],
    },
    /// (r0 and r1) xor r2, sums being xors, in 128 bits.
    And,
    /// r0 shifted by so many bits with its sign, minus r1.
    Trunc(u32),
    /// r0 without its highest bit, shifted by so many bits, minus r1; then the highest bit minus r2.
    TruncPr(u32),
    /// Random bits − r0.
    RandBit,
    /// The sum r0, xor the xor of the second arrays.
    Eqz,
    /// r0 permuted back by what a party draws at a counter, minus r1.
    Perm {
        /// Where the permutation begins in its party's stream.
        count: u64,
    },
}

impl Operation {
    /// SPU's name of the method, without `Adjust`.
    pub fn name(&self) -> &'static str {
        match self {
            Operation::Mul => "Mul",
            Operation::MulPriv => "MulPriv",
            Operation::Square => "Square",
            Operation::Dot { .. } => "Dot",
            Operation::And => "And",
            Operation::Trunc(_) => "Trunc",
            Operation::TruncPr(_) => "TruncPr",
            Operation::RandBit => "RandBit",
            Operation::Eqz => "Eqz",
            Operation::Perm { .. } => "Perm",
        }
    }
}

/// One operand: where its array begins in the parties' streams, how long it is, and whose streams they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operand {
    /// Of the first block.
    pub count: u64,
    /// Elements.
    pub elements: usize,
    /// A ciphertext a party.
    pub seeds: Vec<Vec<u8>>,
}

/// A request that can be answered, if its seeds can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What to compute.
    pub operation: Operation,
    /// Bytes of a number: 4, 8 or 16.
    pub width: usize,
    /// Modulo a Mersenne prime, rather than 2^k.
    pub prime: bool,
    /// As many as the operation has.
    pub operands: Vec<Operand>,
    /// The ciphertext of the seed that a permutation is drawn from.
    pub permuter: Option<Vec<u8>>,
    /// Bytes of one result: those of its elements, but for `And`, whose last element may be cut off.
    pub bytes: usize,
}

impl Request {
    /// Reads the body of a call of `method`, `AdjustMul` say.
    ///
    /// # Errors
    /// What is wrong with it, in sizes; never what it holds.
    pub fn parse(method: &str, body: &[u8], limits: &Limits) -> Result<Request, Refusal> {
        let mut body: Body = match serde_json::from_slice(body) {
            Ok(body) => body,
            Err(e) => {
                return refuse(format!(
                    "the body is not a request: line {}, column {}",
                    e.line(),
                    e.column()
                ));
            }
        };
        let Some(name) = method.strip_prefix("Adjust") else { return refuse("no such method") };
        let width = match (name, body.field_size) {
            ("And", _) => 16,
            (_, width @ (4 | 8 | 16)) => width as usize,
            (_, other) => return refuse(format!("field_size {other}; it is 4, 8 or 16 bytes")),
        };
        let operation = operation(name, &body, width)?;
        let prime = match (&body.element_type, &operation) {
            (Kind::Number(2), Operation::Mul | Operation::MulPriv) => true,
            (Kind::Text(t), Operation::Mul | Operation::MulPriv) if t == "GFMP" => true,
            (Kind::Absent | Kind::Number(0 | 1), _) => false,
            (Kind::Text(t), _) if t == "RING" || t == "UNSPECIFIED" => false,
            (Kind::Number(_) | Kind::Text(_), _) => {
                return refuse(format!("{name} has no such element_type"));
            }
        };
        let lengths = lengths(&operation, &body, width, limits)?;
        let drawn = if prime && width == 4 { 9 } else { width };
        let operands = operands(&mut body, &lengths, width, drawn, limits)?;
        let permuter = match operation {
            Operation::Perm { .. } => body.perm.map(|p| p.encrypted_seeds.0),
            _ => None,
        };
        let bytes = lengths.last().copied().unwrap_or(0);
        Ok(Request { operation, width, prime, operands, permuter, bytes })
    }

    /// Bytes that answering it holds in memory, besides pieces.
    pub fn memory(&self) -> u64 {
        let elements: usize = match self.operation {
            // The factors, and the second one once more in panels.
            Operation::Dot { .. } => self.operands[0].elements + 2 * self.operands[1].elements,
            // The permutation, what it is drawn from, and both sides of it.
            Operation::Perm { .. } => 8 * self.operands[0].elements,
            _ => 0,
        };
        (elements * self.width) as u64
    }

    /// How many results follow each other in the answer.
    pub fn results(&self) -> usize {
        if matches!(self.operation, Operation::TruncPr(_)) { 2 } else { 1 }
    }
}

fn operation(name: &str, body: &Body, width: usize) -> Result<Operation, Refusal> {
    let top = width as u64 * 8;
    let bits = |most: u64| match body.bits {
        n if n < most => Ok(n as u32),
        n => refuse(format!("a shift by {n} of at most {} bits", most - 1)),
    };
    let size = |x: u64| usize::try_from(x).ok().filter(|&x| x > 0).ok_or(());
    Ok(match name {
        "Mul" => Operation::Mul,
        "MulPriv" => Operation::MulPriv,
        "Square" => Operation::Square,
        "Dot" => {
            let (Ok(m), Ok(n), Ok(k)) = (size(body.m), size(body.n), size(body.k)) else {
                return refuse("M, N and K of a product are positive");
            };
            let transposed = match body.transpose_inputs[..] {
                [] => [false; 2],
                [a, b, false] => [a, b],
                _ => return refuse("transpose_inputs has three values, and the result is not transposed"),
            };
            Operation::Dot { m, n, k, transposed }
        }
        "And" => Operation::And,
        "Trunc" => Operation::Trunc(bits(top)?),
        "TruncPr" => Operation::TruncPr(bits(top - 1)?),
        "RandBit" => Operation::RandBit,
        "Eqz" => Operation::Eqz,
        "Perm" => match &body.perm {
            Some(p) => Operation::Perm { count: p.prg_count },
            None => return refuse("a permutation without perm"),
        },
        _ => return refuse("no such method"),
    })
}

/// Bytes of each operand; the last one is as long as a result.
fn lengths(operation: &Operation, body: &Body, width: usize, limits: &Limits) -> Result<Vec<usize>, Refusal> {
    let first = body.prg_inputs.first().map_or(0, |b| b.buffer_len);
    let lengths: Vec<Option<u64>> = match *operation {
        Operation::Dot { m, n, k, .. } => [(m, k), (k, n), (m, n)]
            .map(|(a, b)| (a as u64).checked_mul(b as u64).and_then(|x| x.checked_mul(width as u64)))
            .to_vec(),
        Operation::Mul | Operation::And | Operation::TruncPr(_) => vec![Some(first); 3],
        Operation::MulPriv
        | Operation::Square
        | Operation::Trunc(_)
        | Operation::Eqz
        | Operation::Perm { .. } => {
            vec![Some(first); 2]
        }
        Operation::RandBit => vec![Some(first)],
    };
    let total = lengths.iter().try_fold(0u64, |sum, x| sum.checked_add((*x)?));
    match total {
        Some(n) if n <= limits.request => {}
        _ => return refuse(format!("more than {} bytes in one request", limits.request)),
    }
    let whole = matches!(operation, Operation::And) || first.is_multiple_of(width as u64);
    if first == 0 || !whole {
        return refuse(format!("operand 0 has {first} bytes, not a number of elements"));
    }
    if let (Operation::Perm { .. }, Some(p)) = (operation, &body.perm)
        && p.size != first / width as u64
    {
        return refuse(format!("a permutation of {} elements for {}", p.size, first / width as u64));
    }
    Ok(lengths.into_iter().flatten().map(|x| x as usize).collect())
}

fn operands(
    body: &mut Body,
    lengths: &[usize],
    width: usize,
    drawn: usize,
    limits: &Limits,
) -> Result<Vec<Operand>, Refusal> {
    if body.prg_inputs.len() != lengths.len() {
        return refuse(format!("{} operands instead of {}", body.prg_inputs.len(), lengths.len()));
    }
    let parties = body.prg_inputs[0].encrypted_seeds.len();
    if !(1..=limits.parties).contains(&parties) {
        return refuse(format!("{parties} parties; a session has 1 to {}", limits.parties));
    }
    let mut out = vec![];
    for (i, (buffer, &bytes)) in std::mem::take(&mut body.prg_inputs).into_iter().zip(lengths).enumerate() {
        if buffer.buffer_len != bytes as u64 {
            return refuse(format!("operand {i} has {} bytes, not {bytes}", buffer.buffer_len));
        }
        if buffer.encrypted_seeds.len() != parties {
            return refuse(format!(
                "operand {i} has {} seeds, operand 0 {parties}",
                buffer.encrypted_seeds.len()
            ));
        }
        let elements = bytes.div_ceil(width);
        let blocks = (elements * drawn).div_ceil(16) as u64;
        if buffer.prg_count.checked_add(blocks).is_none() {
            return refuse(format!("operand {i}: its counters go beyond 64 bits"));
        }
        let seeds = buffer.encrypted_seeds.into_iter().map(|s| s.0).collect();
        out.push(Operand { count: buffer.prg_count, elements, seeds });
    }
    Ok(out)
}
