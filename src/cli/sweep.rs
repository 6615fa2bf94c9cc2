//! `relinc sweep`: one pipeline at several budgets.

use super::run::execute;
use super::{Global, print, print_json};
use crate::error::{Error, input};
use crate::pipeline::Pipeline;
use crate::report::{self, compare};
use relinc_passes::files::write_atomically;
use relinc_runtime::search::budget::Budget;
use serde_json::json;
use serde_yaml::Value;
use std::path::{Path, PathBuf};

/// Options of `relinc sweep`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The pipeline file; its last search stage gets the budgets
    pipeline: PathBuf,
    /// Budgets, separated by commas: 5%,10%,50k,latency=1.5s@cheetah/wan
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    budgets: Vec<String>,
    /// Output folder, with one folder a budget [default: out/NAME of the pipeline file-sweep]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Leave what is finished as it is, and continue what was interrupted
    #[arg(long)]
    resume: bool,
}

/// Runs the command. A budget that cannot be met is said and left out; the exit code is then 1.
pub fn run(a: Args, g: &Global) -> Result<(), Error> {
    let mut p = Pipeline::read(&a.pipeline)?;
    let file = a.pipeline.display();
    p.seed = g.seed.unwrap_or(p.seed);
    if let Some(d) = &g.device {
        p.device = Some(d.to_string());
    }
    let base = a.pipeline.parent().unwrap_or(Path::new(""));
    let stem = a.pipeline.file_stem().unwrap_or_default().to_string_lossy();
    let out = a.out.clone().unwrap_or_else(|| Path::new("out").join(format!("{stem}-sweep")));
    let Some(search) = p.stages.iter().rposition(|s| s.stage == "search") else {
        return Err(Error::Input(format!("{file}: a sweep needs a search stage, whose budget it changes")));
    };
    let budgets = a.budgets.iter().map(|b| b.parse().map_err(input)).collect::<Result<Vec<Budget>, _>>()?;
    let twice = |i: usize| budgets[..i].iter().any(|b| folder(b) == folder(&budgets[i]));
    if let Some(b) = (0..budgets.len()).find(|&i| twice(i)).map(|i| &budgets[i]) {
        return Err(Error::Input(format!("--budgets: {b} is given twice")));
    }
    let (mut dirs, mut unmet) = (vec![], vec![]);
    for b in &budgets {
        let dir = out.join(folder(b));
        let text = b.to_string();
        let done = || report::read(&dir).is_ok_and(|r| r.settings.budget.as_ref() == Some(&text));
        if a.resume && done() {
            dirs.push(dir);
            continue;
        }
        p.stages[search].budget = Some(Value::String(text.clone()));
        let progress = g.progress();
        progress.step(&format!("budget {text}"));
        match execute(&p, base, &dir, a.resume, &progress) {
            Ok(_) => dirs.push(dir),
            Err(Error::Answer(why)) => unmet.push(why),
            Err(Error::Input(why)) => return Err(Error::Input(format!("{file}, budget {text}: {why}"))),
            Err(e) => return Err(e),
        }
    }
    let runs = compare::runs(&dirs).map_err(input)?;
    let html = out.join("sweep.html");
    let result = json!({
        "runs": runs, "figures": compare::figures(&runs), "tradeoffs": compare::tradeoffs(&runs),
        "warnings": compare::warnings(&runs), "unmet": unmet, "html": html.display().to_string(),
    });
    if !runs.is_empty() {
        let text = serde_json::to_string_pretty(&result).map_err(input)?;
        for (path, text) in [(&html, compare::render(&runs)), (&out.join("sweep.json"), text)] {
            write_atomically(path, text.as_bytes())
                .map_err(|e| Error::Input(format!("{}: cannot be written: {e}", path.display())))?;
        }
    }
    if g.json {
        print_json(&result)?;
    } else {
        print(&compare::table(&runs));
        print(&compare::cost_table(&runs));
        if !runs.is_empty() {
            print(&html.display().to_string());
        }
    }
    match unmet.is_empty() {
        true => Ok(()),
        false => Err(Error::Answer(unmet.join("\n"))),
    }
}

/// A budget as the name of a folder: `10%` is `10pct`.
fn folder(b: &Budget) -> String {
    let text = b.to_string().replace('%', "pct");
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect()
}
