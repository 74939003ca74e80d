# Client, scheduler and workers of docs/cluster.md.
FROM python:3.11-slim
WORKDIR /project
COPY requirements.txt requirements-cluster.txt ./
RUN python -m pip install --no-cache-dir -r requirements.txt -r requirements-cluster.txt
COPY . .
ENV PYTHONPATH=/project
