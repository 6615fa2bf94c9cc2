"""The losses of the method (sections 5 and 6) and of common attacks."""

import torch
import torch.nn.functional as F


def kl(student, teacher, temperature=4.0):
    """T²·KL(softmax(teacher/T) ‖ softmax(student/T)), summed over classes and averaged over the batch."""
    target = F.softmax(teacher / temperature, 1)
    return F.kl_div(F.log_softmax(student / temperature, 1), target, reduction="batchmean") * temperature**2


def attention(f):
    """N×HW: the mean over channels of F², L2-normalised per sample."""
    return F.normalize(f.pow(2).mean(1).flatten(1), eps=1e-12)


def attention_transfer(student, teacher):
    """Mean squared difference of the attention maps, summed over the K stages, times 4/K."""
    terms = [(attention(s) - attention(t)).pow(2).mean() for s, t in zip(student, teacher)]
    return sum(terms) * 4 / len(terms)


def margin(logits, labels):
    """max_{i≠y} z_i − z_y per sample: positive where the image is misclassified."""
    right = logits.gather(1, labels[:, None])[:, 0]
    others = logits.masked_fill(F.one_hot(labels, logits.shape[1]).bool(), float("-inf"))
    return others.max(1).values - right


def dlr(logits, labels):
    """Difference of logits ratio per sample (Croce and Hein 2020): margin / (z_(1) − z_(3) + 1e-12), z sorted."""
    top = logits.sort(1, descending=True).values
    return margin(logits, labels) / (top[:, 0] - top[:, 2] + 1e-12)
