//! Seeds that were decrypted lately, so that a session pays for each of its seeds once. They lie in memory only.

use crate::key::Key;
use crate::prg::Prg;
use crate::request::{Refusal, Request};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Decrypts seeds and keeps the generators of the last ones.
pub struct Seeds {
    key: Key,
    most: usize,
    kept: Mutex<Kept>,
}

/// Who draws what of a request.
pub struct Drawers {
    /// The parties' generators, by operand.
    pub operands: Vec<Vec<Arc<Prg>>>,
    /// The generator of a permutation.
    pub permuter: Option<Arc<Prg>>,
}

#[derive(Default)]
struct Kept {
    used: u64,
    by_ciphertext: HashMap<Vec<u8>, (u64, Arc<Prg>)>,
}

impl Seeds {
    /// Keeps at most so many.
    pub fn new(key: Key, most: usize) -> Seeds {
        Seeds { key, most: most.max(1), kept: Mutex::default() }
    }

    /// The generators of a request's operands, and of the party that draws its permutation.
    ///
    /// # Errors
    /// A seed was not encrypted for this key.
    pub fn of(&self, request: &Request) -> Result<Drawers, Refusal> {
        let operands = request.operands.iter().enumerate().map(|(operand, o)| {
            let all = o.seeds.iter().enumerate();
            all.map(|(seed, c)| self.one(c).ok_or(Refusal::Seed { operand, seed })).collect()
        });
        let operands = operands.collect::<Result<_, _>>()?;
        let permuter = request.permuter.as_ref().map(|c| {
            self.one(c).ok_or_else(|| {
                Refusal::Request("the permutation's seed was not encrypted for this dealer's key".into())
            })
        });
        Ok(Drawers { operands, permuter: permuter.transpose()? })
    }

    fn one(&self, ciphertext: &[u8]) -> Option<Arc<Prg>> {
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut kept = lock();
            kept.used += 1;
            let now = kept.used;
            if let Some((used, prg)) = kept.by_ciphertext.get_mut(ciphertext) {
                *used = now;
                return Some(prg.clone());
            }
        }
        let prg = Arc::new(Prg::new(&*self.key.seed(ciphertext)?));
        let mut kept = lock();
        if kept.by_ciphertext.len() >= self.most {
            let oldest = kept.by_ciphertext.iter().min_by_key(|(_, (used, _))| *used).map(|(c, _)| c.clone());
            oldest.map(|c| kept.by_ciphertext.remove(&c));
        }
        let now = kept.used;
        kept.by_ciphertext.insert(ciphertext.to_vec(), (now, prg.clone()));
        Some(prg)
    }
}
