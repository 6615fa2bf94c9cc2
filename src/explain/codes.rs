//! The codes of errors, and what each means.

/// A kind of error that `relinc explain` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Its name: `R301`.
    pub code: &'static str,
    /// What went wrong, in a line.
    pub title: &'static str,
    /// What every message of it says, one of these.
    phrases: &'static [&'static str],
    /// Why, and what to do.
    pub text: &'static str,
}

/// The first that fits names a message, so narrower phrases stand before wider ones.
pub const CODES: &[Code] = &[
    Code {
        code: "R101",
        title: "There is no ReLU layer",
        phrases: &["there is no ReLU layer, so there is nothing to mask"],
        text: "A search removes ReLUs, and this network has none that can be removed: its comparisons are in other operations, which the \
               message lists. Compile it without --budget for what compiling gives by itself, or train it with ReLUs in the place of SiLU, \
               hard swish or GELU.",
    },
    Code {
        code: "R102",
        title: "An operation cannot be imported",
        phrases: &["cannot be imported", "is not supported"],
        text: "The file holds an operation, or a form of one, that has no meaning here; every one is listed with its node. docs/import.md \
               says what is read. Often the exporter has an option for a simpler graph (torch.onnx.export with constant folding, a lower \
               operator set), or the operation belongs to pre- or postprocessing that can be cut off.",
    },
    Code {
        code: "R103",
        title: "The batch is fixed",
        phrases: &["the batch is fixed at"],
        text: "The file says how many images go in at once. relinc frees a batch by itself where it can; here it was told not to, or cannot. \
               Leave out --keep-batch, or export the model with batch 1 or with a symbolic first dimension (dynamic_axes).",
    },
    Code {
        code: "R104",
        title: "The file is no model that can be read",
        phrases: &["not an ONNX model", "is too old; relinc reads opset"],
        text: "relinc reads ONNX files of operator set 7 and later. A file that a download cut off, a PyTorch checkpoint (.pt, .pth) or a \
               TensorFlow folder is none: export it (torch.onnx.export, tf2onnx). onnx.version_converter lifts an old operator set.",
    },
    Code {
        code: "R201",
        title: "The classes of the data are not those of the model",
        phrases: &["but the model has", "labels would not be the model's classes"],
        text: "Accuracy compares a label with the largest output, so both have to number the same classes. Give the data set that the model \
               was trained on, or list the classes in the order of its outputs: images:DIR?classes=cat,dog,… or classes=FILE (docs/data.md). \
               Folders without images may be listed.",
    },
    Code {
        code: "R202",
        title: "Images are needed",
        phrases: &[
            "give them with --data",
            "needs images: add data",
            "on images: add data",
            "give them with data",
        ],
        text: "What was asked for looks at images: a search ranks ReLUs by what they do on training images, accuracy and ranges are measured. \
               Add --data (data: in a pipeline): cifar10:DIR, cifar100:DIR, mnist:DIR, tiny-imagenet:DIR, images:DIR with a folder a class, or \
               shapes, which is built in. Options follow a '?': ?normalize=imagenet&train=20000 (docs/data.md).",
    },
    Code {
        code: "R301",
        title: "A budget cannot be read or does not fit",
        phrases: &[
            "is not a number of ReLUs (50000, 50k)",
            "but the graph has only",
            "ReLUs; give more, or write 0 to keep none",
        ],
        text: "A budget is a number of ReLUs (50000, 50k), a share of the graph's (18%), or the seconds that a query may take: \
               latency=1.5s@cheetah/wan, with a protocol of relinc protocols and lan, wan, mobile or 'rtt=40ms;bandwidth=100Mbit'. A ReLU with a \
               cap counts twice. relinc inspect MODEL says how many there are; relinc inspect MODEL --data D --budgets LIST what some would cost.",
    },
    Code {
        code: "R302",
        title: "A time cannot be met",
        phrases: &["cannot be met. Without a single ReLU"],
        text: "The rest of the network, its linear layers, takes longer than the budget by itself. Give more time; or make the rest cheaper: \
               --fold always or before-tune merges layers where ReLUs vanish, --truncation bounded saves exchanges on SEMI2K, another protocol or \
               network has other prices. The exit code is 1: the work ran, and the answer is no (docs/budgets.md).",
    },
    Code {
        code: "R303",
        title: "There is no such ReLU layer",
        phrases: &["there is no ReLU layer '"],
        text: "Layers are called relu00, relu01, … in an order that follows from the network alone, so that two exporters of one network agree. \
               relinc inspect MODEL lists them beside the exporter's names.",
    },
    Code {
        code: "R304",
        title: "A method does not fit the command",
        phrases: &["trains: use relinc search, or relinc run"],
        text: "compile and inspect find masks without training, by oneshot. That is good down to about half of the ReLUs. The other methods \
               change weights while they search: relinc search, or a pipeline by relinc run; relinc init writes one.",
    },
    Code {
        code: "R401",
        title: "The folder holds a run",
        phrases: &["--resume goes on with it, --restart makes it anew"],
        text: "Training takes long, so nothing that it left is replaced by chance. --resume goes on where the last checkpoint is, or does \
               nothing where all is finished; --restart makes it anew and keeps what it replaces until the new one is complete; or choose \
               another -o (docs/folders.md).",
    },
    Code {
        code: "R402",
        title: "Something is in the way in the output folder",
        phrases: &[
            "move it away, or choose another -o",
            "which would be replaced; choose another -o",
            "is there already; choose another name",
        ],
        text: "relinc replaces and removes only files that it wrote itself and that are unchanged since: manifest.json in the folder lists them \
               with their hashes. Anything else stays, and the command ends before any work. Move it away, or choose another -o \
               (docs/folders.md).",
    },
    Code {
        code: "R403",
        title: "Another job works in the folder",
        phrases: &["another job works in", "another process took the folder over"],
        text: "A command that writes to a folder locks it. Wait for the other one. If its process is gone, or its machine, the lock lapses by \
               itself; the message says when, and which file to remove where that takes too long.",
    },
    Code {
        code: "R404",
        title: "A file is not the one that was written",
        phrases: &["lists: it was changed, is damaged", "remove it to make anew what it holds"],
        text: "Files that a run continues from carry the sha256 of what they hold, and one that differs by a single bit is not used. It was \
               edited, cut off by a full disk, damaged, or copied from another run. Removing it makes that stage anew with --resume.",
    },
    Code {
        code: "R501",
        title: "There is no such protocol",
        phrases: &["no protocol '", "' could be any of"],
        text: "A protocol is a name that relinc protocols prints, an ending of one that fits no other (cheetah), or a file of constants: one \
               that calibrate-runtime measured, or your own (CONTRIBUTING.md, Add a cost model).",
    },
    Code {
        code: "R502",
        title: "A cost model lacks a price",
        phrases: &["does not model the costs of", "does not model what a square costs"],
        text: "To choose layers by time, everything that is left has to have a price, and the protocol's file has none for an operation of \
               this network. Choose another protocol, measure one by calibrate-runtime, or add the operation to a file of your own \
               (CONTRIBUTING.md, Add a cost model). A budget in ReLUs needs no price.",
    },
    Code {
        code: "R601",
        title: "More accuracy was lost than allowed",
        phrases: &["that max-drop allows"],
        text: "Everything was written; the exit code says no. A larger budget, more epochs, or training at all where masks were found in one shot \
               (relinc search, relinc run) lose less. The report names the command for this model; relinc init writes a pipeline.",
    },
    Code {
        code: "R602",
        title: "Fixed point does not bear the quadratic layers",
        phrases: &["--allow-tails"],
        text: "A square makes large values larger: an image that is far out for a quadratic layer may leave the ring of a secure runtime, and \
               its answer is then noise. Train with a larger weight of tails, with freeze, with more layers that keep ReLUs, or accept it by \
               --allow-tails (docs/masks.md, Quadratic elements; docs/fixed-point.md).",
    },
    Code {
        code: "R701",
        title: "Training lost its numbers",
        phrases: &["the loss is not a number any more", "the network collapsed in epoch"],
        text: "A step was too large, or a square grew. The checkpoint holds the last good epoch. Go on with --resume and a lower rate, a lower \
               clip or, with quadratic layers, a larger tails; these may change in a run (docs/training.md, A long run).",
    },
    Code {
        code: "R801",
        title: "A pipeline file has a key that is not known",
        phrases: &["unknown key '"],
        text: "Every key is checked, and all that are wrong are told at once with their lines and the nearest known ones. \
               specs/pipelines/training.yaml holds each key with its meaning. A stage is written '- stage: search'.",
    },
    Code {
        code: "R901",
        title: "A file or folder cannot be written",
        phrases: &["cannot be written"],
        text: "The disk is full, the folder belongs to somebody else or is read-only, or a part of the path is no folder. What was there before is \
               unchanged: files appear whole, by rename.",
    },
    Code {
        code: "R902",
        title: "A file or folder cannot be read",
        phrases: &["cannot be read", "no such folder", "No such file"],
        text: "The path is wrong, or not relative to what you think: in a pipeline a model is relative to the file, on the command line to the \
               working directory; a data folder is looked for beside the pipeline first.",
    },
];

/// The code of a message; none where its kind has no more to be said about.
pub fn of(message: &str) -> Option<&'static Code> {
    CODES.iter().find(|c| c.phrases.iter().any(|p| message.contains(p)))
}

/// The code of this name, in either case.
pub fn find(name: &str) -> Option<&'static Code> {
    CODES.iter().find(|c| c.code.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_their_own_and_in_order() {
        assert!(CODES.windows(2).all(|w| w[0].code < w[1].code));
        assert!(CODES.iter().all(|c| find(&c.code.to_lowercase()) == Some(c)));
    }

    #[test]
    fn messages_have_the_narrowest_code() {
        for (message, code) in [
            ("m.onnx: there is no ReLU layer, so there is nothing to mask. It has", Some("R101")),
            ("vanish: there is no ReLU layer 'relu99'; did you mean 'relu09'?", Some("R303")),
            ("out: holds a run; --resume goes on with it, --restart makes it anew and keeps", Some("R401")),
            ("standard output: cannot be written: No space left", Some("R901")),
            ("something else", None),
        ] {
            assert_eq!(of(message).map(|c| c.code), code, "{message}");
        }
    }
}
