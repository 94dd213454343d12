"""Data sets in memory, their division by purpose, and batches."""

from agnsim.data.arrays import source_from_arrays as source_from_arrays
from agnsim.data.batches import Batches as Batches
from agnsim.data.batches import crop_and_flip as crop_and_flip
from agnsim.data.images import ImageSet as ImageSet
from agnsim.data.load import datasets as datasets
from agnsim.data.load import load_dataset as load_dataset
from agnsim.data.sampling import stratified as stratified
from agnsim.data.source import DataSource as DataSource
from agnsim.data.split import Splits as Splits
from agnsim.data.split import split as split
from agnsim.data_root import data_root as data_root

__all__ = [
    "Batches",
    "DataSource",
    "ImageSet",
    "Splits",
    "crop_and_flip",
    "data_root",
    "datasets",
    "load_dataset",
    "source_from_arrays",
    "split",
    "stratified",
]
