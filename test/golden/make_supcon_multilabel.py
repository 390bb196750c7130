"""Golden vectors of SupCon on several labels of a row, in numpy's float64. Writes supcon-multilabel.json beside itself.

Row i has labels a_i1 .. a_iL, -1 where it has none. With c_ij the number of columns l in which a_il = a_jl and both are there:
  any:   w_ij = 1 if c_ij > 0, else 0
  share: w_ij = c_ij / L
  loss_i = - 1 / sum_j w_ij * sum_j w_ij * log(exp(s_ij) / sum_{k != i} exp(s_ik)), over j != i
and the loss is the mean of loss_i over the rows i with sum_j w_ij > 0. s_ij: cosine similarity over the temperature.

The loss is computed in two ways (by matrices, and term by term), the gradient for the unnormalised rows in two ways (in closed
form, and by central differences). They must agree.
"""
import json
import math
import os

import numpy as np


def unit(z):
    return z / np.sqrt(np.maximum((z * z).sum(1, keepdims=True), 1e-12))


def weights(labels, positives):
    a = np.asarray(labels)
    shared = ((a[:, None, :] == a[None, :, :]) & (a[:, None, :] >= 0)).sum(2).astype(float)
    np.fill_diagonal(shared, 0)
    return (shared > 0).astype(float) if positives == 'any' else shared / a.shape[1]


def loss_and_gradient(z, w, t):
    """By matrices; the gradient in closed form."""
    f = unit(z)
    n = np.sqrt(np.maximum((z * z).sum(1, keepdims=True), 1e-12))
    s = f @ f.T / t
    np.fill_diagonal(s, -np.inf)
    m = s.max(1, keepdims=True)
    e = np.exp(s - m)
    p = e / e.sum(1, keepdims=True)
    lse = np.log(e.sum(1)) + m[:, 0]
    total = w.sum(1)
    valid = total > 0
    count = max(1, valid.sum())
    target = w / np.where(valid, total, 1)[:, None]
    np.fill_diagonal(s, 0)
    per = np.where(valid, lse - (target * s).sum(1), 0)
    of_s = np.where(valid[:, None], p - target, 0) / count
    of_f = (of_s @ f + of_s.T @ f) / t
    return per.sum() / count, (of_f - f * (f * of_f).sum(1, keepdims=True)) / n, per, valid


def loss_by_terms(z, labels, positives, t):
    """The definition, term by term, by plain arithmetic."""
    f = unit(z).tolist()
    rows = range(len(f))
    s = [[sum(x * y for x, y in zip(f[i], f[j])) / t for j in rows] for i in rows]
    losses = []
    for i in rows:
        shared = [sum(a == b >= 0 for a, b in zip(labels[i], labels[j])) if j != i else 0 for j in rows]
        w = [float(c > 0) if positives == 'any' else c / len(labels[i]) for c in shared]
        if sum(w) == 0:
            continue
        largest = max(s[i][k] for k in rows if k != i)
        log_sum = math.log(math.fsum(math.exp(s[i][k] - largest) for k in rows if k != i)) + largest
        losses.append(-math.fsum(w[j] * (s[i][j] - log_sum) for j in rows) / math.fsum(w))
    return math.fsum(losses) / len(losses) if losses else 0.0


def by_differences(z, w, t, h=1e-6):
    gradient = np.zeros_like(z)
    for at in np.ndindex(*z.shape):
        above, below = z.copy(), z.copy()
        above[at] += h
        below[at] -= h
        gradient[at] = (loss_and_gradient(above, w, t)[0] - loss_and_gradient(below, w, t)[0]) / (2 * h)
    return gradient


rng = np.random.default_rng(20231201)
rows = np.round(rng.normal(size=(10, 4)), 4)  # rows 0-4: view 1 of images 0..4; rows 5-9: view 2
images = {
    'two columns, some labels empty': [[0, 1], [0, -1], [1, 1], [-1, 0], [-1, -1]],
    'three columns': [[0, 0, 1], [0, 1, 1], [1, 0, 1], [0, -1, 0], [2, 2, -1]],
    'one column with an empty label': [[0], [0], [1], [2], [-1]],
    'no label at all': [[-1, -1]] * 5,
}
cases = []
for name, own in images.items():
    for views in (1, 2):
        for t in (0.07, 0.5):
            for positives in ('any', 'share'):
                z, labels = rows[: 5 * views], own * views
                w = weights(labels, positives)
                loss, gradient, per, valid = loss_and_gradient(z, w, t)
                assert abs(loss - loss_by_terms(z, labels, positives, t)) < 1e-10, name
                differs = np.abs(gradient - by_differences(z, w, t)).max()
                assert differs < 1e-6 * max(1, np.abs(gradient).max()), (name, differs)
                cases.append(
                    dict(
                        name=f'{name}, views {views}', positives=positives, temperature=t, input=z.tolist(),
                        row_labels=labels, loss=float(loss), grad=gradient.tolist(),
                        per_anchor=per.tolist(), valid_anchors=int(valid.sum()),
                    )
                )
                print(f'{cases[-1]["name"]:45s} {positives:6s} t={t:<5} loss={loss:.10f} anchors={valid.sum()} differences={differs:.1e}')
one = [c for c in cases if c['name'].startswith('one column')]
for a, b in zip(one[::2], one[1::2]):
    assert a['loss'] == b['loss'], 'with one column any and share are the same'

description = (
    'SupCon on several labels of a row, float64: the mean over the rows with a positive of -1/sum_j w_ij sum_j w_ij log p_ij; '
    'rows are normalised inside the loss; grad = d loss / d unnormalised rows; -1 is no label'
)
out = dict(description=description, generated_by=f'numpy {np.__version__} float64', cases=cases)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'supcon-multilabel.json'), 'w') as file:
    json.dump(out, file, indent=1)
    file.write('\n')
