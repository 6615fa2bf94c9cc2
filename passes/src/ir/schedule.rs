//! When the values of a schedule are no longer needed.

/// For each step, the values that nothing reads after it, sorted. Values are numbered below `values`; `touched` are those that
/// each step reads or writes, `kept` those that outlive the schedule.
pub fn last_uses(touched: &[Vec<usize>], values: usize, kept: &[usize]) -> Vec<Vec<usize>> {
    let mut seen = vec![false; values];
    kept.iter().for_each(|&v| seen[v] = true);
    let dying = touched.iter().rev().map(|touched| {
        let mut dying: Vec<usize> =
            touched.iter().copied().filter(|&v| !std::mem::replace(&mut seen[v], true)).collect();
        dying.sort_unstable();
        dying
    });
    let mut all: Vec<Vec<usize>> = dying.collect();
    all.reverse();
    all
}

#[cfg(test)]
mod tests {
    #[test]
    fn values_die_after_their_last_reader() {
        let touched = [vec![0], vec![0, 1], vec![1, 1, 2], vec![2]];
        assert_eq!(super::last_uses(&touched, 3, &[2]), [vec![], vec![0], vec![1], vec![]]);
    }
}
