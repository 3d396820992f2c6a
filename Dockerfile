# docker build -t genapps .                                    CPU
# docker build -t genapps --build-arg BACKEND=cu130 .          CUDA (any --torch-backend of uv)
# docker run --rm -v "$PWD:/data" --user "$(id -u)" genapps tabular synthesize customers.csv -o synthetic.csv
FROM python:3.11-slim

RUN apt-get update \
 && apt-get install -y --no-install-recommends make \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home genapps

USER genapps
WORKDIR /home/genapps/genapps
COPY --chown=genapps . .
ARG BACKEND=cpu
RUN make setup EXTRAS=all GROUPS= FROM=--torch-backend=$BACKEND

ENV PATH="/home/genapps/genapps/.venv/bin:$PATH"
WORKDIR /data
ENTRYPOINT ["genapps"]
CMD ["--help"]
