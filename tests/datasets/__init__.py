"""Tests of fastnn.datasets."""
