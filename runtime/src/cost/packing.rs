//! How many ciphertexts a runtime sends for a product, and how large they are.
//!
//! CHEETAH multiplies a secret matrix `[rows, inner]` by one that another party holds, `[inner, columns]`, in polynomials of
//! `degree` coefficients. The matrices are cut into blocks whose three sides multiply to at most `degree`. One party sends
//! its matrix encrypted, one ciphertext a block, the other answers with the products. Source: SPU,
//! `libspu/mpc/cheetah/arith/matmat_prot.cc` (the choice of the block) and `cheetah_dot.cc` (who encrypts, how answers are
//! packed); the counts were held against the bytes of spu 0.9.5 for thirteen shapes.

use super::law::Quantities;
use serde::Deserialize;

/// A way of putting operands into ciphertexts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packing {
    /// CHEETAH's product of matrices with packed answers; a convolution is the product of its im2col.
    CheetahMatmul,
}

/// Whose ciphertexts are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Those of the party that holds the weights.
    Weights,
    /// Those of the party that holds the other operand.
    Activation,
    /// Those of both: with shared operands each party plays both parts.
    Both,
}

/// Bytes in whole ciphertexts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ciphertexts {
    /// How they are packed.
    pub packing: Packing,
    /// Coefficients of a polynomial.
    pub degree: u32,
    /// Whose ciphertexts are counted.
    pub side: Side,
    /// Bytes of an encrypted operand.
    pub request: f64,
    /// Bytes of a packed answer.
    pub response: f64,
    /// Bytes of an answer that is not packed, without its coefficients.
    #[serde(default)]
    pub sparse: f64,
    /// Bytes of each result in an answer that is not packed.
    #[serde(default)]
    pub coefficient: f64,
}

/// What a product of matrices takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiling {
    /// Encrypted blocks of one operand.
    pub requests: u64,
    /// Answers.
    pub responses: u64,
    /// Answers hold results side by side; otherwise each holds those of one block.
    pub packed: bool,
    /// The left operand, `[rows, inner]`, is the one that is encrypted.
    pub encrypts_left: bool,
}

/// A block: rows, inner, columns.
type Block = [u64; 3];

fn blocks(dims: Block, block: Block) -> Block {
    [0, 1, 2].map(|i| dims[i].div_ceil(block[i].max(1)))
}

/// The cheapest block of at most `degree` coefficients: a thousand for each ciphertext sent, one for each rotation that
/// packing takes, a tenth for each product of ciphertexts. Of equals the last one tried is taken.
fn cheapest_block(dims: Block, degree: u64, packed: bool) -> Block {
    let (mut best, mut least) = (dims, f64::INFINITY);
    for rows in 1..=dims[0].min(degree) {
        let mut inner = 1;
        while inner <= dims[1] && rows * inner <= degree {
            let block = [rows, inner, dims[2].min(degree / rows / inner)];
            let [b0, b1, b2] = blocks(dims, block);
            let sent = b0.min(b2) * b1 + (b0 * b2).div_ceil(inner);
            let rotations = if packed { (dims[0] * dims[2]).div_ceil(degree) * inner } else { 0 };
            let cost = sent as f64 * 1000.0 + rotations as f64 + (b0 * b1 * b2) as f64 / 10.0;
            if cost <= least {
                (best, least) = (block, cost);
            }
            inner = if packed { inner * 2 } else { inner + 1 };
        }
    }
    best
}

/// How `[rows, inner]` × `[inner, columns]` is cut for polynomials of `degree` coefficients. Sides of 0 count as 1.
pub fn cheetah_matmul(rows: u64, inner: u64, columns: u64, degree: u64) -> Tiling {
    let (dims, degree) = ([rows, inner, columns].map(|d| d.max(1)), degree.max(1));
    // Below a ring of 64 bits the polynomials have no room for packing.
    let tried = (degree >= 8192).then(|| cheapest_block(dims, degree, true));
    let packed = tried.filter(|&b| {
        let [b0, _, b2] = blocks(dims, b);
        b0 * b2 > 1
    });
    let block = packed.unwrap_or_else(|| cheapest_block(dims, degree, false));
    let [b0, b1, b2] = blocks(dims, block);
    let results = dims[0] * dims[2];
    let responses = match packed {
        // Few results of a long inner side are taken out one by one and packed densely.
        Some(b) if b[1] >= results => results.div_ceil(degree),
        Some(b) => (b0 * b2).div_ceil(b[1]),
        None => b0 * b2,
    };
    Tiling {
        requests: b1 * b0.min(b2),
        responses,
        packed: packed.is_some(),
        encrypts_left: b0 * b1 <= b1 * b2,
    }
}

impl Ciphertexts {
    /// How a product of these sizes is cut.
    pub fn plan(&self, q: &Quantities) -> Tiling {
        match self.packing {
            Packing::CheetahMatmul => {
                let whole = |v: f64| v.max(1.0) as u64;
                cheetah_matmul(whole(q.rows), whole(q.inner), whole(q.columns), u64::from(self.degree))
            }
        }
    }

    /// Bytes for a product of these sizes; 0 where there is nothing to multiply.
    pub fn at(&self, q: &Quantities) -> f64 {
        if q.rows * q.inner * q.columns <= 0.0 {
            return 0.0;
        }
        let plan = self.plan(q);
        let request = plan.requests as f64 * self.request;
        let response = match plan.packed {
            true => plan.responses as f64 * self.response,
            false => plan.responses as f64 * self.sparse + q.outputs * self.coefficient,
        };
        // The activation is the left operand.
        match (self.side, plan.encrypts_left) {
            (Side::Both, _) => request + response,
            (Side::Weights, true) | (Side::Activation, false) => response,
            (Side::Weights, false) | (Side::Activation, true) => request,
        }
    }

    /// What is wrong with the numbers, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        let all = [self.request, self.response, self.sparse, self.coefficient];
        if all.iter().any(|c| !c.is_finite() || *c < 0.0) {
            return Some("ciphertexts: a size is negative or not a number".into());
        }
        (!self.degree.is_power_of_two()).then(|| "ciphertexts: degree is not a power of two".into())
    }
}

#[cfg(test)]
#[path = "packing_tests.rs"]
mod tests;
