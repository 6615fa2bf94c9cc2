//! `relinc report`

use super::Global;
use crate::error::{Result, input};
use crate::folder::{self, Folder, Inputs, Single, SingleKind};
use crate::report::{self, Report, compare};
use relinc_passes::files::write_atomically;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Options of `relinc report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder that compile or run wrote; several with --compare
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Plot the accuracy of several runs against their ReLUs
    #[arg(long)]
    compare: bool,
    /// Where --compare writes its page
    #[arg(short, long, value_name = "FILE", default_value = "compare.html", requires = "compare")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(a: Args, g: &Global) -> Result<()> {
    if a.compare {
        return side_by_side(&a, g);
    }
    let [dir] = a.dirs.as_slice() else {
        return Err(input("several folders need --compare"));
    };
    let r = rebuild(dir, g)?;
    g.show(&r, report::text::render(&r))
}

/// Writes the pages of a report. Those that an earlier version wrote cannot be told from others, and stay.
fn rebuild(dir: &Path, g: &Global) -> Result<Report> {
    let mut folder = Folder::existing(dir, "report", &g.progress())?;
    let r = report::read(dir)?;
    let listed = folder.manifest().files.contains_key("report.json");
    let mut pages = report::PAGES.to_vec();
    if !listed {
        let unknown = |p: &&str| dir.join(p).exists() && !folder.manifest().files.contains_key(*p);
        let stay: Vec<&str> = pages.iter().copied().filter(unknown).collect();
        if !stay.is_empty() {
            g.progress().line(&format!(
                "{}: {} left as found, since no manifest.json says that relinc wrote it",
                dir.display(),
                stay.join(" and ")
            ));
        }
        pages.retain(|p| !stay.contains(p));
    }
    if pages.is_empty() {
        return Ok(r);
    }
    let names: Vec<String> = pages.iter().map(ToString::to_string).collect();
    folder.claim(&Inputs::default(), &names, &[])?;
    let staging = folder.stage()?;
    for page in pages {
        let path = staging.path().join(page);
        write_atomically(&path, report::page(page, &r).as_bytes())
            .map_err(|e| folder::unwritable(&dir.join(page), &e))?;
    }
    folder.amend(staging)?;
    Ok(r)
}

fn side_by_side(a: &Args, g: &Global) -> Result<()> {
    let mut inputs = Inputs::default();
    a.dirs.iter().for_each(|d| inputs.file("a report", &d.join("report.json")));
    let out = Single::new("-o", &a.out, SingleKind::Page, &inputs, &g.progress())?;
    let runs = compare::runs(&a.dirs)?;
    folder::write(out.path(), compare::render(&runs))?;
    let html = a.out.display().to_string();
    let tables = [compare::table(&runs), compare::cost_table(&runs), compare::kinds_table(&runs)];
    let said = format!("{}\n{html}", tables.concat());
    let found = json!({
        "runs": runs, "figures": compare::figures(&runs), "tradeoffs": compare::tradeoffs(&runs), "kinds": compare::kinds(&runs),
        "warnings": compare::warnings(&runs), "alarms": compare::alarms(&runs), "html": html,
    });
    g.show(&found, said)
}
