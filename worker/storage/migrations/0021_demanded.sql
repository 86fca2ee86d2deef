-- What payers demand of this worker's operator is found by the operator, not by the job.
CREATE INDEX logs_about ON logs (operator, name);
