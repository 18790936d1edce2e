# syntax=docker/dockerfile:1
# Gatebook for linux/amd64 and linux/arm64: docker buildx build --platform linux/amd64,linux/arm64 .
# The base image is pinned to its bytes (an index of both platforms): a newer one is a change here, like any other.
# The image has its own Node 24, so npm's copies of it are left out.
ARG NODE=node:24.21.0-bookworm-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20
FROM ${NODE} AS packages
WORKDIR /gatebook
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts \
 && rm -rf node_modules/node-linux-* node_modules/node-darwin-* node_modules/node-win-* \
      node_modules/.bin/node node_modules/@kurrent/bridge-*-musl

FROM ${NODE}
WORKDIR /gatebook
ENV NODE_ENV=production GATEBOOK_HOST=0.0.0.0 GATEBOOK_DATA_DIR=/data
COPY --from=packages /gatebook/node_modules node_modules
COPY package.json package-lock.json LICENSE ./
COPY bin bin
COPY domain domain
COPY projections projections
COPY src src
# A volume takes owner and mode from what stands in the image: nodes that share keys mount them at /keys.
RUN mkdir -m 0700 /data /keys && chown node:node /data /keys
USER node
VOLUME /data
EXPOSE 8080 8443 1883 8883 9001
HEALTHCHECK --interval=10s --timeout=3s --start-period=180s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/gatebook.js"]
CMD ["serve"]
