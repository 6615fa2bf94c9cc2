//! Where an option can be given: four commands, and two that read a pipeline file.

/// A command by its name.
pub type Door = &'static str;

/// The commands that compile.
pub const DOORS: [Door; 6] = ["compile", "train", "search", "tune", "run", "sweep"];

/// Those whose options are on the command line alone.
const COMMANDS: &[Door] = &["compile", "train", "search", "tune"];
/// Those that read a file.
const FILES: &[Door] = &["run", "sweep"];

/// Options by their names in pipelines, one after the other, the doors where they are not, and why not.
pub type Absent = (&'static str, &'static [Door], &'static str);

/// Every option that is not at every door.
pub const ABSENT: &[Absent] = &[
    (
        "epochs batch rate schedule momentum decay clip average keep augment hardest robust ce kl temperature attention pram_at smoothing \
         train_attack train_box sensitivity refreshes ramp certify tails blend freeze precision val_images val_attacked replay start teacher",
        &["compile"],
        "compile trains nothing",
    ),
    (
        "corrupted attacked attacks certified certified_within",
        &["compile"],
        "compile measures clean images, of every network that it may emit; relinc eval has --corruptions and --attack",
    ),
    ("resume restart", &["compile"], "a compilation is made in one and takes the place of the one before"),
    ("bn", FILES, "there it is two keys, batch_norm and branch"),
    ("batch_norm branch", COMMANDS, "there both are --bn"),
    (
        "architecture kind depth width classes input",
        COMMANDS,
        "relinc architecture writes such a network as a file",
    ),
    ("stages stage", COMMANDS, "the command is the stage"),
    ("pipeline", COMMANDS, "the options say what a pipeline says"),
    ("report accuracy", COMMANDS, "sections of the file, whose keys are the options"),
    ("only list", COMMANDS, "there is one stage, hence one job"),
    (
        "check",
        &["compile", "train", "search", "tune", "sweep"],
        "what cannot be is found before any work in any case; a pipeline may be checked long before it is run",
    ),
    ("budgets collect", &["compile", "train", "search", "tune", "run"], "a sweep alone has several budgets"),
];
