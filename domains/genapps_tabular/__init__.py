"""Tables: learn a table, write synthetic rows, fill gaps, augment a training set, and judge the result.

The names below are loaded when first used, so that `genapps tabular --help` imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genapps.lazy import lazily

if TYPE_CHECKING:
    from genapps_tabular.anomalies import Detection, detect
    from genapps_tabular.anomaly_model import AnomalyModel
    from genapps_tabular.augmentation import Augmentation, augment
    from genapps_tabular.clustering import ClusterModel
    from genapps_tabular.clusters import Clustering, cluster
    from genapps_tabular.config import TabularConfig
    from genapps_tabular.embedding import Embedding, embed
    from genapps_tabular.evaluation import Evaluation
    from genapps_tabular.model import TableModel
    from genapps_tabular.schema import Schema
    from genapps_tabular.tasks import Imputation, Synthesis, evaluate, fit, impute, sample, synthesize

_HOMES = {
    "AnomalyModel": "anomaly_model",
    "Augmentation": "augmentation",
    "ClusterModel": "clustering",
    "Clustering": "clusters",
    "Detection": "anomalies",
    "Embedding": "embedding",
    "Evaluation": "evaluation",
    "Imputation": "tasks",
    "Schema": "schema",
    "Synthesis": "tasks",
    "TableModel": "model",
    "TabularConfig": "config",
    "augment": "augmentation",
    "cluster": "clusters",
    "detect": "anomalies",
    "embed": "embedding",
    "evaluate": "tasks",
    "fit": "tasks",
    "impute": "tasks",
    "sample": "tasks",
    "synthesize": "tasks",
}

__all__ = [
    "AnomalyModel",
    "Augmentation",
    "ClusterModel",
    "Clustering",
    "Detection",
    "Embedding",
    "Evaluation",
    "Imputation",
    "Schema",
    "Synthesis",
    "TableModel",
    "TabularConfig",
    "augment",
    "cluster",
    "detect",
    "embed",
    "evaluate",
    "fit",
    "impute",
    "sample",
    "synthesize",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)
