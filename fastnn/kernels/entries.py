"""Places in the table of kernel addresses (table.py), for those who call through it."""

(
    GATHER,
    FORWARD,
    LOSS,
    OUTPUTS,
    BACKWARD,
    UPDATE,
    GATHER_BITS,
    LISTED_FORWARD,
    LISTED_UPDATE,
    DESCEND_LAYERS,
    STEP,
    TRANSPOSE,
    PENALISE,
    SQUARES,
    TOTAL,
    LIMIT,
    DROP,
    ADD_SHARDS,
    ENTRIES,
) = range(19)
