//! Where an option can be given: four commands, and two that read a pipeline file.

/// A command by its name.
pub type Door = &'static str;

/// The commands that compile.
pub const DOORS: [Door; 6] = ["compile", "train", "search", "tune", "run", "sweep"];

/// Those whose options are on the command line alone.
const COMMANDS: &[Door] = &["compile", "train", "search", "tune"];
/// Those that read a file.
const FILES: &[Door] = &["run", "sweep"];

/// Options that some doors lack.
#[derive(Debug)]
pub struct Absent {
    /// Their names, with underscores as in pipelines.
    pub options: &'static [&'static str],
    /// Where they are not.
    pub doors: &'static [Door],
    /// Why not.
    pub why: &'static str,
}

/// Every option that is not at every door.
pub const ABSENT: &[Absent] = &[
    Absent {
        options: &[
            "epochs",
            "batch",
            "rate",
            "schedule",
            "momentum",
            "decay",
            "clip",
            "average",
            "augment",
            "robust",
            "ce",
            "kl",
            "temperature",
            "attention",
            "pram_at",
            "smoothing",
            "train_attack",
            "sensitivity",
            "refreshes",
            "ramp",
            "precision",
            "val_images",
            "val_attacked",
            "replay",
            "start",
            "teacher",
        ],
        doors: &["compile"],
        why: "compile trains nothing",
    },
    Absent {
        options: &["corrupted", "attacked", "attacks"],
        doors: &["compile"],
        why: "compile measures clean images, of every network that it may emit; relinc eval has --corruptions and --attack",
    },
    Absent {
        options: &["resume", "restart"],
        doors: &["compile"],
        why: "a compilation is made in one and takes the place of the one before",
    },
    Absent { options: &["bn"], doors: FILES, why: "there it is two keys, batch_norm and branch" },
    Absent { options: &["batch_norm", "branch"], doors: COMMANDS, why: "there both are --bn" },
    Absent {
        options: &["architecture", "kind", "depth", "width", "classes", "input"],
        doors: COMMANDS,
        why: "relinc architecture writes such a network as a file",
    },
    Absent { options: &["stages", "stage"], doors: COMMANDS, why: "the command is the stage" },
    Absent { options: &["pipeline"], doors: COMMANDS, why: "the options say what a pipeline says" },
    Absent {
        options: &["report", "accuracy"],
        doors: COMMANDS,
        why: "sections of the file, whose keys are the options",
    },
    Absent { options: &["only", "list"], doors: COMMANDS, why: "there is one stage, hence one job" },
    Absent {
        options: &["budgets", "collect"],
        doors: &["compile", "train", "search", "tune", "run"],
        why: "a sweep alone has several budgets",
    },
];
