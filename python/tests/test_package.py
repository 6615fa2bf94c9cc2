"""The package against the program. `python -m unittest discover -s python/tests`, with the package installed or RELINC and PYTHONPATH set."""

import json
import os
import re
import tempfile
import unittest
from pathlib import Path

import relinc

try:
    import numpy as np
except ImportError:
    np = None

MODEL = relinc.example()
DATA = "shapes?train=300&val=60"


class Package(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)

    def compiled(self, **options):
        return relinc.compile(MODEL, self.dir / "out", data=DATA, budget="50%", rounds=1, calibration=32, limit=60, protocol="semi2k", network=["wan", "lan"], **options)

    def test_an_inspection_has_layers_and_costs(self):
        found = relinc.inspect(MODEL, protocol="semi2k", network="wan")
        self.assertEqual(found.layers[0]["name"], "relu00")
        self.assertEqual([r["network is"] for r in found.rows()], ["original", "compiled, all ReLUs"])
        self.assertGreater(found.rows()[0]["bytes"], found.rows()[1]["bytes"])

    def test_budgets_are_rows_of_their_own(self):
        found = relinc.inspect(MODEL, budgets=["50%", "10%"], data=DATA, calibration=32, protocol="semi2k", network="wan")
        rows = {r["network is"]: r for r in found.rows()}
        self.assertEqual(list(rows), ["original", "compiled, all ReLUs", "50%", "10%"])
        self.assertLess(rows["10%"]["bytes"], rows["50%"]["bytes"])

    def test_later_queries_take_what_the_program_says(self):
        made = relinc.compile(MODEL, self.dir / "out", protocol="cheetah", network="lan")
        said = re.search(r"time of a later query, LAN +\S+ \S+ +(\S+) s", str(made))
        self.assertAlmostEqual(made.rows()[-1]["later seconds"], float(said[1]), delta=0.06)

    def test_a_report_is_what_lies_in_the_folder(self):
        made = self.compiled()
        self.assertEqual(made, json.loads((self.dir / "out/report.json").read_text()))
        self.assertEqual(relinc.report(self.dir / "out"), made)
        self.assertEqual(str(made), (self.dir / "out/report.txt").read_text())
        self.assertIn("<iframe srcdoc=", made._repr_html_())
        before, after = made.accuracy
        self.assertTrue(0 <= after <= before <= 100, (before, after))
        self.assertEqual(len(made.rows()), 6)
        self.assertIn("without training", " ".join(made["notes"]))

    def test_an_error_has_the_programs_words_and_its_code(self):
        with self.assertRaises(relinc.Error) as caught:
            relinc.inspect(self.dir / "nothing.onnx")
        self.assertIn("nothing.onnx", str(caught.exception))
        self.assertEqual(caught.exception.status, 2)
        self.assertEqual(relinc.explain(caught.exception.code)["kind"], "code")
        with self.assertRaisesRegex(relinc.Error, "unexpected argument '--no-such-option'"):
            relinc.inspect(MODEL, no_such_option=True)

    def test_an_answer_of_no_holds_what_was_found(self):
        relinc.architecture(self.dir / "other.onnx", kind="resnet", depth=20)
        with self.assertRaises(relinc.Answer) as caught:
            relinc.verify(MODEL, self.dir / "other.onnx", random=2)
        self.assertFalse(caught.exception.result["equivalent"])
        self.assertTrue(relinc.verify(MODEL, MODEL, random=2)["equivalent"])

    def test_a_pipeline_is_written_and_is_refused_where_one_lies(self):
        found = relinc.init(MODEL, data=DATA, out=self.dir / "p.yaml", protocol="semi2k")
        self.assertTrue((self.dir / "p.yaml").exists())
        self.assertIn("estimate", found["found"])
        with self.assertRaisesRegex(relinc.Error, "is there already"):
            relinc.init(MODEL, data=DATA, out=self.dir / "p.yaml")

    @unittest.skipIf(np is None, "numpy is not installed")
    def test_masks_go_to_numpy_and_back(self):
        masks = self.compiled().masks()
        masks.save(self.dir / "same.safetensors")
        again = relinc.Masks.load(self.dir / "same.safetensors")
        self.assertEqual(list(again), list(masks))
        for name, array in masks.items():
            np.testing.assert_array_equal(array, again[name])
        self.assertIn("ReLU", repr(masks))
        masks["relu00"][:] = relinc.masks.IDENTITY
        fewer = relinc.compile(MODEL, self.dir / "fewer", masks=masks, protocol="semi2k", network="wan")
        self.assertEqual(fewer.relus, masks.kept)
        masks["relu01"][0] = 7
        with self.assertRaisesRegex(ValueError, "relu01 has values other than"):
            masks.save(self.dir / "same.safetensors")

    @unittest.skipIf(np is None, "numpy is not installed")
    def test_what_is_no_mask_file_is_said_to_be_none(self):
        for bytes_ in (b"", b"\xff" * 40, b"\x10\0\0\0\0\0\0\0{\"a\": 1}        "):
            (self.dir / "m").write_bytes(bytes_)
            with self.assertRaisesRegex(ValueError, "not a mask file"):
                relinc.Masks.load(self.dir / "m")

    def test_progress_is_objects(self):
        from relinc import program

        said = []
        watch = program.Watch.told
        self.addCleanup(setattr, program.Watch, "told", watch)
        program.Watch.told = lambda self, line: said.append(json.loads(line))
        self.compiled()
        self.assertTrue(any(s.get("of") for s in said), said)
        self.assertTrue(any(s["stays"] for s in said), said)

    def test_the_program_can_be_named(self):
        self.assertTrue(os.access(relinc.find(), os.X_OK))
        self.assertTrue(relinc.protocols() and relinc.passes() and relinc.devices())


if __name__ == "__main__":
    unittest.main()
