//! What masks that nothing was trained under are good for, with figures that `docs/results.md` has.

/// Top-1 of a ResNet-20 on CIFAR-10 with all its ReLUs, and by the share that masks keep.
const BEFORE: &str = "92.2";
const ONE_SHOT: [(&str, &str); 3] = [("50%", "84.25"), ("25%", "54.05"), ("10%", "22.75")];
const TRAINED: (&str, &str) = ("25 %", "90.45");

/// The note of a compilation that searched and did not train.
pub(super) fn note() -> String {
    let left = ONE_SHOT.map(|(share, accuracy)| format!("with {share} of the ReLUs {accuracy} % are left"));
    let (share, kept) = TRAINED;
    format!(
        "These masks were found without training, which is good for seeing what a query would cost, and for removing few ReLUs. Measured on a \
         ResNet-20 with CIFAR-10, {BEFORE} % before: {}. Trained with its masks (relinc run), the network with {share} keeps {kept} %.",
        left.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_results() {
        let results = include_str!("../../docs/results.md");
        let has = |starts: &str, holds: &str| {
            let found = results.lines().any(|l| l.starts_with(starts) && l.contains(holds));
            assert!(found, "docs/results.md has no line '{starts}…' with '{holds}'");
        };
        for (share, accuracy) in ONE_SHOT {
            has(&format!("| `--budget {share}` |"), &format!("| {accuracy} |"));
        }
        has(&format!("| {} |", TRAINED.0), &format!("| {} |", TRAINED.1));
        has("ResNet-20, `relinc compile", &format!("{BEFORE} % before"));
    }
}
